#include <gmock/gmock.h>

#include <fstream>

#include "lab.hpp"

namespace vbs::test {
namespace {

using testing::HasSubstr;

class Attach : public Guest {};

std::string head_of(const std::string& path, size_t bytes) {
  std::string out(bytes, '\0');
  std::ifstream(path, std::ios::binary).read(out.data(), static_cast<std::streamsize>(bytes));
  return out;
}

TEST_F(Attach, WhatTheGuestWritesAndFlushesIsInTheImage) {
  const auto args = volume(false);
  const auto device = attach(args);
  const auto wrote = in_guest("printf written-by-the-guest | dd of=" + device + " conv=fsync");
  ASSERT_EQ(wrote.status, 0) << wrote.text;
  EXPECT_EQ(head_of(args.source.path, 20), "written-by-the-guest");
}

TEST_F(Attach, AFileSystemOnTheVolumeOutlivesADetach) {
  const auto args = volume(false, "qcow2", 64);
  auto device = attach(args);
  const auto wrote = in_guest("mke2fs " + device + " >/dev/null && mount " + device +
                              " /mnt && dd if=/dev/urandom of=/mnt/data bs=1k count=4096 2>/dev/null && "
                              "sha256sum /mnt/data && umount /mnt");
  ASSERT_EQ(wrote.status, 0) << wrote.text;
  TestCall call;
  ASSERT_EQ(kvm_->detach(call, args.vm_uuid, args.serial), VBS_OK) << call.error;
  device = attach(args);
  const auto read = in_guest("mount -r " + device + " /mnt && sha256sum /mnt/data; umount /mnt");
  EXPECT_EQ(read.text, wrote.text);
}

TEST_F(Attach, AReadOnlyDiskRefusesTheGuestsWrite) {
  const auto args = volume(true);
  const auto device = attach(args);
  EXPECT_EQ(in_guest("cat /sys/block/" + device.substr(5) + "/ro").text, "1");
  const auto wrote = in_guest("dd if=/dev/zero of=" + device + " count=1 conv=fsync");
  EXPECT_NE(wrote.status, 0);
  EXPECT_TRUE(disk(args.serial).read_only);
}

TEST_F(Attach, AnOverlayShowsItsBackingFileAndKeepsTheWritesToItself) {
  const auto base = volume(false);
  shell("printf base-bytes | dd conv=notrunc of=" + base.source.path);
  auto top = volume(false, "qcow2");
  ASSERT_EQ(shell("qemu-img create -q -f qcow2 -F raw -b " + base.source.path + " " + top.source.path).status, 0);
  top.source.data = R"({"backing":[{"path":")" + base.source.path + R"(","format":"raw"}]})";
  const auto device = attach(top);
  EXPECT_EQ(in_guest("head -c 10 " + device).text, "base-bytes");
  EXPECT_EQ(in_guest("printf overwrites | dd of=" + device + " conv=fsync").status, 0);
  EXPECT_EQ(head_of(base.source.path, 10), "base-bytes");
}

TEST_F(Attach, TheGuestFindsAVirtioDiskByTwentyCharactersOfTheVolumeId) {
  const auto args = volume(true);
  const auto device = attach(args);
  EXPECT_EQ(in_guest("cat /sys/block/" + device.substr(5) + "/serial").text, args.serial.substr(0, 20));
}

TEST_F(Attach, AScsiNameGivesAScsiDiskWithTheWholeVolumeId) {
  auto args = volume(false);
  args.device = "sdb";
  const auto device = attach(args);
  EXPECT_EQ(device.substr(0, 7), "/dev/sd");
  EXPECT_EQ(in_guest("tail -c +5 /sys/block/" + device.substr(5) + "/device/vpd_pg80").text, args.serial);
}

TEST_F(Attach, TheAnswerDescribesTheDiskLiveAndInTheDefinition) {
  auto args = volume(false);
  args.device = "/dev/vdk";
  TestCall call;
  ASSERT_EQ(kvm_->attach(call, args), VBS_OK) << call.error;
  ASSERT_EQ(call.disks.size(), 1u);
  const auto& d = call.disks.front();
  EXPECT_EQ(d.device, "vdk");
  EXPECT_EQ(d.path, args.source.path);
  EXPECT_EQ(d.where, VBS_DISK_LIVE | VBS_DISK_PERSISTENT);
  EXPECT_EQ(d.size_bytes, 16u << 20);
  EXPECT_FALSE(d.read_only);
}

TEST_F(Attach, TheSameAgainChangesNothing) {
  const auto args = volume(false);
  attach(args);
  const auto before = disk(args.serial);
  TestCall call;
  EXPECT_EQ(kvm_->attach(call, args), VBS_OK) << call.error;
  ASSERT_EQ(call.disks.size(), 1u);
  EXPECT_EQ(call.disks.front().device, before.device);
}

TEST_F(Attach, TheSameVolumeInAnotherModeIsAConflict) {
  auto args = volume(false);
  attach(args);
  args.read_only = true;
  TestCall call;
  EXPECT_EQ(kvm_->attach(call, args), VBS_CONFLICT);
  EXPECT_THAT(call.error, HasSubstr("detach it first"));
}

TEST_F(Attach, ARepeatAddsTheHalfThatACrashLeftOut) {
  const auto args = volume(false);
  attach(args);
  virsh("detach-disk vbs-main " + disk(args.serial).device + " --config");
  ASSERT_EQ(disk(args.serial).where, VBS_DISK_LIVE);
  attach(args);
  EXPECT_EQ(disk(args.serial).where, VBS_DISK_LIVE | VBS_DISK_PERSISTENT);
}

TEST_F(Attach, ATakenDeviceNameIsAConflictThatNamesTheHolder) {
  auto first = volume(false);
  first.device = "vdb";
  attach(first);
  auto second = volume(false);
  second.device = "vdb";
  TestCall call;
  EXPECT_EQ(kvm_->attach(call, second), VBS_CONFLICT);
  EXPECT_THAT(call.error, HasSubstr(first.source.path));
}

TEST_F(Attach, AMissingImageIsUnavailableNotAMissingVm) {
  auto args = volume(false);
  args.source.path += ".gone";
  TestCall call;
  EXPECT_EQ(kvm_->attach(call, args), VBS_UNAVAILABLE);
  EXPECT_THAT(call.error, HasSubstr("is the file system mounted"));
  EXPECT_EQ(disk(args.serial).where, 0u);
}

TEST_F(Attach, ManyReadersShareAnImageAndAWriterIsKeptOut) {
  lab("guest few --ports 1 --transient");
  auto args = volume(true);
  attach(args);
  args.vm_uuid = uuid("few");
  TestCall reader;
  EXPECT_EQ(kvm_->attach(reader, args), VBS_OK) << reader.error;
  TestCall detached;
  EXPECT_EQ(kvm_->detach(detached, args.vm_uuid, args.serial), VBS_OK) << detached.error;
  args.read_only = false;
  TestCall writer;
  EXPECT_EQ(kvm_->attach(writer, args), VBS_BUSY);
  EXPECT_THAT(writer.error, HasSubstr("another process has"));
  lab("kill few");
}

TEST_F(Attach, AVmWithoutAFreeSlotIsAConflictThatSaysWhatToAdd) {
  lab("guest few --ports 1 --transient");
  auto args = volume(false);
  args.vm_uuid = uuid("few");
  TestCall first;
  ASSERT_EQ(kvm_->attach(first, args), VBS_OK) << first.error;
  EXPECT_EQ(disk(args.serial, args.vm_uuid).where, VBS_DISK_LIVE);  // transient: there is no definition
  auto more = volume(false);
  more.vm_uuid = args.vm_uuid;
  TestCall second;
  EXPECT_EQ(kvm_->attach(second, more), VBS_CONFLICT);
  EXPECT_THAT(second.error, HasSubstr("pcie-root-port"));
  more.device = "sda";
  TestCall scsi;
  EXPECT_EQ(kvm_->attach(scsi, more), VBS_OK) << scsi.error;
  lab("kill few");
}

TEST_F(Attach, AnUnknownVmIsNotFound) {
  auto args = volume(false);
  args.vm_uuid = "00000000-0000-4000-8000-000000000000";
  TestCall call;
  EXPECT_EQ(kvm_->attach(call, args), VBS_NOT_FOUND);
  args.vm_uuid = "not a uuid";
  TestCall malformed;
  EXPECT_EQ(kvm_->attach(malformed, args), VBS_INVALID);
}

}  // namespace
}  // namespace vbs::test
