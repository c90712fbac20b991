#include <gmock/gmock.h>

#include "lab.hpp"

namespace vbs::test {
namespace {

using testing::HasSubstr;

class Detach : public Guest {};

TEST_F(Detach, TheDiskIsGoneFromTheGuestAndFromBothDescriptions) {
  const auto args = volume(false);
  const auto device = attach(args);
  TestCall call;
  ASSERT_EQ(kvm_->detach(call, args.vm_uuid, args.serial), VBS_OK) << call.error;
  EXPECT_EQ(disk(args.serial).where, 0u);
  EXPECT_NE(in_guest("test -b " + device).status, 0);
}

TEST_F(Detach, WhatWasNeverThereIsDetached) {
  TestCall call;
  EXPECT_EQ(kvm_->detach(call, uuid(), "never-attached"), VBS_OK) << call.error;
  TestCall nobody;
  EXPECT_EQ(kvm_->detach(nobody, "00000000-0000-4000-8000-000000000000", "x"), VBS_OK) << nobody.error;
}

TEST_F(Detach, AMountedFileSystemDoesNotHoldAVirtioDisk) {
  const auto args = volume(false);
  const auto device = attach(args);
  ASSERT_EQ(in_guest("mke2fs " + device + " >/dev/null && mount " + device + " /mnt").status, 0);
  TestCall call;
  EXPECT_EQ(kvm_->detach(call, args.vm_uuid, args.serial), VBS_OK) << call.error;
  in_guest("umount /mnt");
}

TEST_F(Detach, APausedGuestHoldsTheDiskUntilItIsResumed) {
  const auto args = volume(false);
  attach(args);
  const Instance hasty(config(R"(,"detach_timeout_s":1)"));
  virsh("suspend vbs-main");
  TestCall paused;
  EXPECT_EQ(hasty.detach(paused, args.vm_uuid, args.serial), VBS_BUSY);
  EXPECT_THAT(paused.error, HasSubstr("it is paused; resume it"));
  // The attachment is still whole: live and in the definition.
  EXPECT_EQ(disk(args.serial).where, VBS_DISK_LIVE | VBS_DISK_PERSISTENT);
  virsh("resume vbs-main");
  TestCall resumed;
  EXPECT_EQ(kvm_->detach(resumed, args.vm_uuid, args.serial), VBS_OK) << resumed.error;
  EXPECT_EQ(disk(args.serial).where, 0u);
}

TEST_F(Detach, ForcedFromAPausedGuestItIsOutOfTheDefinitionAndStillReportedAsHeld) {
  const auto args = volume(false);
  attach(args);
  virsh("suspend vbs-main");
  TestCall call;
  EXPECT_EQ(kvm_->detach(call, args.vm_uuid, args.serial, true), VBS_BUSY);
  EXPECT_EQ(disk(args.serial).where, VBS_DISK_LIVE);
  virsh("resume vbs-main");
}

TEST_F(Detach, AGuestThatIgnoresUnplugIsNamedWithWhatToDo) {
  lab("guest deaf --append acpiphp.disable=1 --transient");
  auto args = volume(false);
  args.vm_uuid = uuid("deaf");
  TestCall call;
  ASSERT_EQ(kvm_->attach(call, args), VBS_OK) << call.error;
  const Instance hasty(config(R"(,"detach_timeout_s":2)"));
  TestCall held;
  EXPECT_EQ(hasty.detach(held, args.vm_uuid, args.serial), VBS_BUSY);
  EXPECT_THAT(held.error, HasSubstr("the guest does not let go"));
  lab("kill deaf");
  // The transient VM is gone, and the disk with it.
  TestCall gone;
  EXPECT_EQ(kvm_->detach(gone, args.vm_uuid, args.serial), VBS_OK) << gone.error;
}

TEST_F(Detach, CancellingTheWaitEndsItSoon) {
  const auto args = volume(false);
  attach(args);
  virsh("suspend vbs-main");
  TestCall call;
  call.cancel();
  EXPECT_EQ(kvm_->detach(call, args.vm_uuid, args.serial), VBS_CANCELLED);
  virsh("resume vbs-main");
}

TEST_F(Detach, TheCallsDeadlineIsKeptWhileTheGuestHoldsTheDisk) {
  const auto args = volume(false);
  attach(args);
  virsh("suspend vbs-main");
  TestCall call(std::chrono::seconds(2));
  EXPECT_EQ(kvm_->detach(call, args.vm_uuid, args.serial), VBS_BUSY);
  EXPECT_GE(call.raw()->remaining_ms(call.raw()), 0);
  virsh("resume vbs-main");
}

}  // namespace
}  // namespace vbs::test
