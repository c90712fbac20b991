#include <gmock/gmock.h>

#include "chain.hpp"

namespace vbs::test {
namespace {

using testing::HasSubstr;

class Switch : public ChainGuest {};

TEST_F(Switch, WhatTheGuestWritesAfterwardsGoesIntoTheNewFileAndTheOldOneIsFrozen) {
  const auto old = volume(false);
  const auto device = attach(old);
  write(device, 'a', 0);
  const auto next = overlay(old);
  switch_to(next);
  write(device, 'b', 1);
  EXPECT_EQ(in_file(old.source.path, "raw", 0), "61");
  EXPECT_EQ(in_file(old.source.path, "raw", 1), "00");
  EXPECT_EQ(in_file(next.source.path, "qcow2", 0), "61");
  EXPECT_EQ(in_file(next.source.path, "qcow2", 1), "62");
  EXPECT_EQ(in_guest("dd if=" + device + " bs=64k skip=1 count=1 2>/dev/null | head -c 3").text, "bbb");
  EXPECT_EQ(disk(old.serial).path, next.source.path);
}

TEST_F(Switch, TheDefinitionNamesTheNewFileAndItsWholeChain) {
  const auto first = volume(false);
  attach(first);
  const auto second = overlay(first), third = overlay(second);
  switch_to(second);
  switch_to(third);
  for (const auto* option : {"", "--inactive"}) {
    const auto xml = definition(option);
    const auto top = xml.find(third.source.path + "'"), middle = xml.find(second.source.path + "'"),
               bottom = xml.find(first.source.path + "'");
    ASSERT_NE(bottom, std::string::npos) << xml;
    EXPECT_LT(top, middle);
    EXPECT_LT(middle, bottom);
    EXPECT_THAT(xml.substr(bottom), HasSubstr("<backingStore/>"));
  }
  EXPECT_EQ(shell("virsh -q -c '" + lab("uri") + "' snapshot-list vbs-main").text, "")
      << "libvirt knows of no snapshot";
}

TEST_F(Switch, OfOneDiskLeavesTheOthersAlone) {
  const auto one = volume(false), other = volume(false);
  attach(one);
  attach(other);
  switch_to(overlay(one));
  EXPECT_EQ(disk(other.serial).path, other.source.path);
}

TEST_F(Switch, MayBeRepeated) {
  const auto old = volume(false);
  const auto device = attach(old);
  const auto next = overlay(old);
  switch_to(next);
  write(device, 'b', 0);
  switch_to(next);
  EXPECT_EQ(in_file(next.source.path, "qcow2", 0), "62");
}

TEST_F(Switch, ToAFileThatDoesNotStandOnTheOneInUseIsAConflictAndChangesNothing) {
  const auto mine = volume(false), strange = volume(false);
  attach(mine);
  auto next = overlay(strange);
  next.serial = mine.serial;
  std::string error;
  EXPECT_EQ(switch_to(next, &error), VBS_CONFLICT);
  EXPECT_THAT(error, HasSubstr("goes on from " + strange.source.path));
  EXPECT_EQ(disk(mine.serial).path, mine.source.path);
}

TEST_F(Switch, ToAFileThatIsNotThereIsRefusedAndTheGuestGoesOn) {
  const auto old = volume(false);
  const auto device = attach(old);
  auto next = overlay(old);
  std::remove(next.source.path.c_str());
  std::string error;
  EXPECT_NE(switch_to(next, &error), VBS_OK);
  EXPECT_EQ(disk(old.serial).path, old.source.path);
  write(device, 'b', 0);
}

TEST_F(Switch, OfADiskThatTheVmDoesNotHaveIsNotFound) {
  const auto args = overlay(volume(false));
  std::string error;
  EXPECT_EQ(switch_to(args, &error), VBS_NOT_FOUND);
}

TEST_F(Switch, TheNewFileGrowsWithAnExtendInUseAndComesBackAfterADetach) {
  const auto old = volume(false);
  const auto device = attach(old);
  const auto next = overlay(old);
  switch_to(next);
  TestCall resized;
  ASSERT_EQ(kvm_->resize(resized, old.vm_uuid, old.serial, 24 << 20), VBS_OK) << resized.error;
  EXPECT_EQ(in_guest("cat /sys/block/" + device.substr(5) + "/size").text, "49152");
  write(device, 'z', 300);  // beyond the old size
  TestCall gone;
  ASSERT_EQ(kvm_->detach(gone, old.vm_uuid, old.serial), VBS_OK) << gone.error;
  const auto again = attach(next);
  EXPECT_EQ(in_guest("dd if=" + again + " bs=64k skip=300 count=1 2>/dev/null | head -c 3").text, "zzz");
}

TEST_F(Switch, AGuestWithoutAnAgentCannotBeQuiescedAndNeedsNoThaw) {
  TestCall freeze, thaw;
  EXPECT_EQ(kvm_->quiesce(freeze, uuid()), VBS_NOT_SUPPORTED);
  EXPECT_THAT(freeze.error, HasSubstr("qemu-guest-agent"));
  EXPECT_EQ(kvm_->thaw(thaw, uuid()), VBS_OK) << thaw.error;
}

}  // namespace
}  // namespace vbs::test
