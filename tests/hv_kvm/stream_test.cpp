#include <gmock/gmock.h>

#include <thread>

#include "chain.hpp"

namespace vbs::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class Stream : public ChainGuest {
 protected:
  // A disk on three files, of which the guest has written a block into each.
  void SetUp() override {
    ChainGuest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    first_ = volume(false);
    device_ = attach(first_);
    write(device_, 'a', 0);
    second_ = overlay(first_);
    switch_to(second_);
    write(device_, 'b', 1);
    third_ = overlay(second_);
    switch_to(third_);
    write(device_, 'c', 2);
  }
  vbs_status stream() {
    TestCall call;
    const auto status = kvm_->stream(call, first_.vm_uuid, first_.serial);
    EXPECT_EQ(status, VBS_OK) << call.error;
    return status;
  }
  std::string virsh_says(const std::string& arguments) {
    return shell("virsh -q -c '" + lab("uri") + "' " + arguments).text;
  }
  std::string disk_name() { return disk(first_.serial).device; }
  // 1 MiB a second: it runs as long as the test wants.
  void begin_slowly() {
    in_guest("dd if=/dev/urandom of=" + device_ + " bs=1M count=12 seek=4 conv=fsync 2>/dev/null");
    switch_to(overlay(third_));
    virsh("blockpull vbs-main " + disk_name() + " --bandwidth 1");
    ASSERT_THAT(virsh_says("blockjob vbs-main " + disk_name()), HasSubstr("Block Pull"));
  }
  void expect_flat(const std::string& path) {
    EXPECT_EQ(disk(first_.serial).path, path);
    EXPECT_THAT(shell("qemu-img info -U -f qcow2 " + path).text, Not(HasSubstr("backing file")));
    for (const auto* option : {"", "--inactive"})
      EXPECT_THAT(definition(option), Not(HasSubstr(first_.source.path + "'"))) << option;
    EXPECT_THAT(definition("--inactive"), HasSubstr("relabel='no'")) << "its owner is kept at the next start, too";
  }
  plugin::AttachArgs first_, second_, third_;
  std::string device_;
};

TEST_F(Stream, LeavesTheDiskOnItsOwnFileLiveAndInTheDefinitionAndItsBytesAsTheyWere) {
  stream();
  expect_flat(third_.source.path);
  for (const auto& [block, byte] : {std::pair{0, "61"}, {1, "62"}, {2, "63"}})
    EXPECT_EQ(in_file(third_.source.path, "qcow2", block), byte);
  EXPECT_EQ(in_file(second_.source.path, "qcow2", 2), "00") << "what was frozen stays as it was";
  EXPECT_EQ(in_guest("dd if=" + device_ + " bs=64k count=3 2>/dev/null | tr -s abc").text, "abc");
}

TEST_F(Stream, WhileTheGuestWritesLosesNothing) {
  // Pseudo-random blocks all over the disk, each written a while after the one before; the guest keeps their sum.
  in_guest("(for i in $(seq 1 40); do head -c 65536 /dev/urandom | tee -a /tmp/all | dd of=" + device_ +
           " bs=64k seek=$((64 + i * 4)) conv=fsync 2>/dev/null; done; touch /tmp/written) >/dev/null 2>&1 &");
  for (int i = 0; i < 3; ++i) {
    third_ = overlay(third_);
    switch_to(third_);
    stream();
  }
  const auto sums = in_guest(
      "until [ -e /tmp/written ]; do sleep 0.1; done; md5sum < /tmp/all; for i in $(seq 1 40); do dd if=" + device_ +
      " bs=64k skip=$((64 + i * 4)) count=1 iflag=direct 2>/dev/null; done | md5sum; "
      "rm -f /tmp/all /tmp/written");
  ASSERT_GE(sums.text.size(), 71u) << sums.text;
  EXPECT_EQ(sums.text.substr(0, 32), sums.text.substr(36, 32)) << sums.text;
  expect_flat(third_.source.path);
}

TEST_F(Stream, MayBeRepeated) {
  stream();
  stream();
  expect_flat(third_.source.path);
}

TEST_F(Stream, JoinsAJobThatALostCallBegan) {
  begin_slowly();
  const auto top = disk(first_.serial).path;
  std::thread faster([&] { virsh("blockjob vbs-main " + disk_name() + " --bandwidth 0"); });
  stream();
  faster.join();
  expect_flat(top);
}

TEST_F(Stream, CancelledEndsTheJobAndLeavesTheChainAsItWas) {
  begin_slowly();
  const auto top = disk(first_.serial).path;
  TestCall call;
  call.cancel();
  EXPECT_EQ(kvm_->stream(call, first_.vm_uuid, first_.serial), VBS_CANCELLED) << call.error;
  EXPECT_EQ(virsh_says("blockjob vbs-main " + disk_name()), "") << "a job runs";
  EXPECT_THAT(shell("qemu-img info -U -f qcow2 " + top).text, HasSubstr("backing file: " + third_.source.path));
  EXPECT_EQ(in_guest("dd if=" + device_ + " bs=64k count=3 2>/dev/null | tr -s abc").text, "abc");
}

TEST_F(Stream, StopEndsAJobAndDoesNothingWhereNoneRuns) {
  begin_slowly();
  for (int i = 0; i < 2; ++i) {
    TestCall call;
    EXPECT_EQ(kvm_->stream_stop(call, first_.vm_uuid, first_.serial), VBS_OK) << call.error;
  }
  EXPECT_EQ(virsh_says("blockjob vbs-main " + disk_name()), "") << "a job runs";
  TestCall gone;
  EXPECT_EQ(kvm_->stream_stop(gone, "00000000-0000-4000-8000-000000000000", first_.serial), VBS_OK) << gone.error;
}

TEST_F(Stream, OfADiskThatTheVmDoesNotHaveIsNotFound) {
  const auto strange = volume(false);
  TestCall call;
  EXPECT_EQ(kvm_->stream(call, strange.vm_uuid, strange.serial), VBS_NOT_FOUND) << call.error;
}

}  // namespace
}  // namespace vbs::test
