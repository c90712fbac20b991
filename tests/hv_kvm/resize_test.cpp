#include <gmock/gmock.h>

#include <filesystem>

#include "lab.hpp"

namespace vbs::test {
namespace {

using testing::HasSubstr;
constexpr uint64_t mib = 1 << 20;

class Resize : public Guest {
 protected:
  static std::string sectors(const std::string& device) {
    return in_guest("cat /sys/block/" + device.substr(5) + "/size").text;
  }
};

TEST_F(Resize, TheGuestSeesAnExtendedRawVolume) {
  const auto args = volume(false);
  const auto device = attach(args);
  EXPECT_EQ(sectors(device), "32768");
  std::filesystem::resize_file(args.source.path, 24 * mib);  // as the storage plugin does
  TestCall call;
  ASSERT_EQ(kvm_->resize(call, args.vm_uuid, args.serial, 24 * mib), VBS_OK) << call.error;
  EXPECT_EQ(sectors(device), "49152");
  TestCall again;
  EXPECT_EQ(kvm_->resize(again, args.vm_uuid, args.serial, 24 * mib), VBS_OK) << again.error;
  EXPECT_EQ(disk(args.serial).size_bytes, 24 * mib);
}

TEST_F(Resize, AQcow2VolumeIsExtendedByTheVmThatHasItOpen) {
  const auto args = volume(false, "qcow2");
  const auto device = attach(args);
  TestCall call;
  ASSERT_EQ(kvm_->resize(call, args.vm_uuid, args.serial, 24 * mib), VBS_OK) << call.error;
  EXPECT_EQ(sectors(device), "49152");
  EXPECT_THAT(shell("qemu-img info -U -f qcow2 " + args.source.path).text, HasSubstr("24 MiB"));
}

TEST_F(Resize, ANoticeNeverShrinksADiskOrItsFile) {
  const auto args = volume(false);
  attach(args);
  TestCall shrink;
  EXPECT_EQ(kvm_->resize(shrink, args.vm_uuid, args.serial, 8 * mib), VBS_INVALID);
  std::filesystem::resize_file(args.source.path, 32 * mib);
  TestCall late;  // the volume has been extended twice, and the first notice comes now
  EXPECT_EQ(kvm_->resize(late, args.vm_uuid, args.serial, 24 * mib), VBS_INVALID);
  EXPECT_EQ(std::filesystem::file_size(args.source.path), 32 * mib);
}

TEST_F(Resize, AReadOnlyDiskSaysThatItMustBeAttachedAnew) {
  const auto args = volume(true);
  attach(args);
  std::filesystem::resize_file(args.source.path, 24 * mib);
  TestCall call;
  EXPECT_EQ(kvm_->resize(call, args.vm_uuid, args.serial, 24 * mib), VBS_NOT_SUPPORTED);
  EXPECT_THAT(call.error, HasSubstr("detach and attach it again"));
}

TEST_F(Resize, AVolumeThatTheVmDoesNotHaveIsNotFound) {
  TestCall call;
  EXPECT_EQ(kvm_->resize(call, uuid(), "never-attached", mib), VBS_NOT_FOUND);
}

}  // namespace
}  // namespace vbs::test
