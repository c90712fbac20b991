// A guest whose agent answers: what it has written and not synced is in a snapshot.
#include <gmock/gmock.h>

#include <cstdlib>
#include <thread>

#include "lab.hpp"

namespace vbs::test {
namespace {

class Agent : public Guest {
 protected:
  void SetUp() override {
    Guest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const auto booted = start_guest("agent --agent");
    if (booted.status == 3 && std::getenv("CI") == nullptr) GTEST_SKIP() << "NOT TESTED HERE. " << booted.text;
    ASSERT_EQ(booted.status, 0) << booted.text;
    volume_ = volume(false);
    volume_.vm_uuid = uuid("agent");
    const auto made = shell("mkfs.ext4 -q -F " + volume_.source.path);
    ASSERT_EQ(made.status, 0) << made.text;
    TestCall call;
    ASSERT_EQ(kvm_->attach(call, volume_), VBS_OK) << call.error;
    const auto mounted = in_guest("mount -t ext4 $(disk " + volume_.serial + ") /mnt", "agent");
    ASSERT_EQ(mounted.status, 0) << mounted.text;
  }
  void TearDown() override {
    if (kvm_ && !volume_.serial.empty()) in_guest("umount /mnt", "agent");
    Guest::TearDown();
    if (kvm_) lab("kill agent");
  }
  // libvirt learns of the agent a moment after it began.
  vbs_status quiesce_when_ready(TestCall& call) const {
    auto status = kvm_->quiesce(call, volume_.vm_uuid);
    for (int i = 0; i < 50 && status == VBS_NOT_SUPPORTED; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      status = kvm_->quiesce(call, volume_.vm_uuid);
    }
    return status;
  }
  std::string in_image(const std::string& file) const {
    return shell("debugfs -c -R \"cat " + file + "\" " + volume_.source.path + " 2>/dev/null").text;
  }
  plugin::AttachArgs volume_;
};

TEST_F(Agent, QuiescedBeforeTheSwitchTheFrozenFileHasWhatTheGuestHadNotSynced) {
  const auto& path = volume_.source.path;
  auto next = volume_;
  next.source = {"file", "qcow2", path + ".next", R"({"backing":[{"path":")" + path + R"(","format":"raw"}]})"};
  const auto made = shell("qemu-img create -q -u -f qcow2 -b " + path + " -F raw " + next.source.path + " 16M");
  ASSERT_EQ(made.status, 0) << made.text;

  ASSERT_EQ(in_guest("echo unsynced > /mnt/file", "agent").status, 0);
  EXPECT_EQ(in_image("/file"), "") << "the guest has synced by itself: this shows nothing";
  TestCall freeze, change, thaw;
  ASSERT_EQ(quiesce_when_ready(freeze), VBS_OK) << freeze.error;
  EXPECT_EQ(kvm_->switch_image(change, next), VBS_OK) << change.error;
  EXPECT_EQ(kvm_->thaw(thaw, volume_.vm_uuid), VBS_OK) << thaw.error;
  EXPECT_EQ(in_image("/file"), "unsynced");
  EXPECT_EQ(in_guest("echo later > /mnt/later && sync && cat /mnt/later", "agent").text, "later") << "it goes on";
  EXPECT_EQ(in_image("/later"), "");
}

TEST_F(Agent, AFrozenGuestCanBeThawedByACallThatKnowsNothingOfTheFreeze) {
  TestCall freeze, again, thaw, thaw_again;
  ASSERT_EQ(quiesce_when_ready(freeze), VBS_OK) << freeze.error;
  EXPECT_NE(kvm_->quiesce(again, volume_.vm_uuid), VBS_OK) << "frozen already";
  const Instance other(config());
  EXPECT_EQ(other.thaw(thaw, volume_.vm_uuid), VBS_OK) << thaw.error;
  EXPECT_EQ(in_guest("echo x > /mnt/file && sync && cat /mnt/file", "agent").text, "x");
  EXPECT_EQ(other.thaw(thaw_again, volume_.vm_uuid), VBS_OK) << "nothing is frozen: " << thaw_again.error;
}

}  // namespace
}  // namespace vbs::test
