#include <gmock/gmock.h>
#include <signal.h>

#include <future>

#include "lab.hpp"

namespace vbs::test {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

class Reconnect : public Guest {
 protected:
  // Whatever a test did to libvirtd, the next one finds it running.
  void TearDown() override {
    if (kvm_) lab("start");
    Guest::TearDown();
  }
  static pid_t daemon() { return std::stoi(lab("status | sed -n s/libvirtd:.//p")); }
};

TEST_F(Reconnect, ARestartedLibvirtdIsNotNoticedByTheNextCall) {
  const auto args = volume(false);
  attach(args);
  lab("restart");
  EXPECT_EQ(disk(args.serial).where, VBS_DISK_LIVE | VBS_DISK_PERSISTENT);
  lab("restart");
  TestCall call;
  EXPECT_EQ(kvm_->detach(call, args.vm_uuid, args.serial), VBS_OK) << call.error;
}

TEST_F(Reconnect, CallsThatARestartHitsNeverClaimAnEndThatIsNotTrue) {
  const auto args = volume(false);
  auto restarts = std::async(std::launch::async, [] {
    for (int i = 0; i < 3; ++i) lab("restart");
  });
  while (restarts.wait_for(seconds(0)) != std::future_status::ready) {
    TestCall in;
    const auto attached = kvm_->attach(in, args);
    EXPECT_THAT(attached, testing::AnyOf(VBS_OK, VBS_UNKNOWN, VBS_UNAVAILABLE)) << in.error;
    if (attached == VBS_OK) {
      EXPECT_EQ(disk(args.serial).where, VBS_DISK_LIVE | VBS_DISK_PERSISTENT);
    }
    TestCall out;
    const auto detached = kvm_->detach(out, args.vm_uuid, args.serial);
    EXPECT_THAT(detached, testing::AnyOf(VBS_OK, VBS_UNKNOWN, VBS_UNAVAILABLE)) << out.error;
    if (detached == VBS_OK) {
      EXPECT_EQ(disk(args.serial).where, 0u);
    }
  }
}

TEST_F(Reconnect, ALibvirtdThatComesBackWithinTheGraceIsWaitedFor) {
  const auto args = volume(false);
  lab("down");
  auto attached = std::async(std::launch::async, [&] {
    TestCall call;
    const auto status = kvm_->attach(call, args);
    EXPECT_EQ(status, VBS_OK) << call.error;
  });
  lab("start");
  attached.get();
}

TEST_F(Reconnect, WithoutLibvirtdCallsSayThatItIsAwayAndTheFirstOneAfterWorks) {
  const Instance hasty(config(R"(,"reconnect_s":0)"));
  const auto vm = uuid();
  lab("down");
  TestCall away;
  EXPECT_EQ(hasty.inspect(away, vm), VBS_UNAVAILABLE);
  EXPECT_THAT(away.error, HasSubstr("cannot reach libvirt at qemu+unix:///system"));
  EXPECT_THAT(away.error, HasSubstr("is libvirtd running?"));
  lab("start");
  TestCall back;
  EXPECT_EQ(hasty.inspect(back, vm), VBS_OK) << back.error;
}

TEST_F(Reconnect, OpeningDoesNotNeedLibvirtd) {
  lab("down");
  const Instance early(config(R"(,"reconnect_s":0)"));  // expects success itself
  TestCall call;
  EXPECT_EQ(early.facts(call), VBS_UNAVAILABLE);
}

TEST_F(Reconnect, AHungLibvirtdDoesNotHoldACallBeyondItsDeadline) {
  const auto vm = uuid();
  const auto args = volume(false);
  const auto pid = daemon();
  ASSERT_EQ(kill(pid, SIGSTOP), 0);
  TestCall read(seconds(1));
  EXPECT_EQ(kvm_->inspect(read, vm), VBS_UNAVAILABLE);
  EXPECT_GE(read.raw()->remaining_ms(read.raw()), -200);
  TestCall connecting(seconds(1));
  EXPECT_EQ(kvm_->inspect(connecting, vm), VBS_UNAVAILABLE);
  EXPECT_GE(connecting.raw()->remaining_ms(connecting.raw()), -200);
  ASSERT_EQ(kill(pid, SIGCONT), 0);
  TestCall after;
  EXPECT_EQ(kvm_->attach(after, args), VBS_OK) << after.error;
}

}  // namespace
}  // namespace vbs::test
