// A libvirtd that is killed between QEMU's device_add and the writing of its status forgets a disk that the guest has.
// Here the disk is given to QEMU past libvirt, which leaves the same.
#include <gmock/gmock.h>

#include "lab.hpp"

namespace vbs::test {
namespace {
using testing::HasSubstr;
using testing::Not;

class Leftovers : public Guest {
 protected:
  static void tell(const std::string& command) {
    EXPECT_THAT(virsh("qemu-monitor-command vbs-main '" + command + "'"), Not(HasSubstr("error"))) << command;
  }
  static std::string devices() {
    return virsh(
               R"(qemu-monitor-command vbs-main '{"execute":"qom-list","arguments":{"path":"/machine/peripheral"}}')") +
           virsh(R"(qemu-monitor-command vbs-main '{"execute":"query-named-block-nodes","arguments":{"flat":true}}')");
  }
  void lose(const plugin::AttachArgs& args, bool device = true) const {
    tell(R"({"execute":"blockdev-add","arguments":{"driver":"file","filename":")" + args.source.path +
         R"(","node-name":"libvirt-9901-storage"}})");
    tell(R"({"execute":"blockdev-add","arguments":{"driver":"raw","file":"libvirt-9901-storage",)"
         R"("node-name":"libvirt-9901-format"}})");
    if (!device) return;
    tell(R"({"execute":"device_add","arguments":{"driver":"virtio-blk-pci","drive":"libvirt-9901-format",)"
         R"("bus":"pci.11","id":"ua-vbs-)" +
         args.serial + R"(","serial":")" + args.serial + R"("}})");
    ASSERT_EQ(in_guest("disk " + args.serial).status, 0) << "the guest does not see it";
    ASSERT_EQ(disk(args.serial).where, 0u) << "libvirt knows it";
  }
};

TEST_F(Leftovers, ADiskThatLibvirtLostIsOutOfTheGuestBeforeItCountsAsDetached) {
  const auto args = volume(false), other = volume(false);
  attach(other);
  lose(args);
  TestCall call;
  call.raw()->epoch = 2;
  EXPECT_EQ(kvm_->detach(call, args.vm_uuid, args.serial), VBS_OK) << call.error;
  EXPECT_NE(in_guest("disk " + args.serial + " 2").status, 0) << "the guest still has it";
  EXPECT_THAT(devices(), testing::AllOf(Not(HasSubstr(args.serial)), Not(HasSubstr("libvirt-9901"))));
  EXPECT_EQ(in_guest("dd if=$(disk " + other.serial + ") of=/dev/null bs=4k count=1").status, 0) << "another disk went";
}

TEST_F(Leftovers, ADiskThatLibvirtLostIsAttachedAnew) {
  const auto args = volume(false);
  lose(args);
  TestCall call;
  call.raw()->epoch = 2;
  ASSERT_EQ(kvm_->attach(call, args), VBS_OK) << call.error;
  EXPECT_EQ(disk(args.serial).where, VBS_DISK_LIVE | VBS_DISK_PERSISTENT);
  EXPECT_EQ(in_guest("disk " + args.serial).status, 0);
  EXPECT_THAT(devices(), Not(HasSubstr("libvirt-9901")));
}

TEST_F(Leftovers, AnImageThatNoDiskUsesIsClosedSoThatOthersMayWriteToIt) {
  const auto args = volume(false);
  lose(args, false);
  TestCall call;
  call.raw()->epoch = 2;
  EXPECT_EQ(kvm_->detach(call, args.vm_uuid, args.serial), VBS_OK) << call.error;
  EXPECT_THAT(devices(), Not(HasSubstr("libvirt-9901")));
}

TEST_F(Leftovers, AGuestThatKeepsItIsNamedAndNothingIsCalledDetached) {
  const auto args = volume(false);
  lose(args);
  const Instance hasty(config(R"(,"detach_timeout_s":2)"));
  virsh("suspend vbs-main");
  TestCall call;
  call.raw()->epoch = 2;
  EXPECT_EQ(hasty.detach(call, args.vm_uuid, args.serial), VBS_UNKNOWN);
  EXPECT_THAT(call.error, HasSubstr("the guest does not let go: resume it if it is paused"));
  virsh("resume vbs-main");
  TestCall again;
  again.raw()->epoch = 3;
  EXPECT_EQ(kvm_->detach(again, args.vm_uuid, args.serial), VBS_OK) << again.error;
  EXPECT_THAT(devices(), Not(HasSubstr(args.serial)));
}

TEST_F(Leftovers, ARepeatedCallForADiskThatIsThereTouchesNothing) {
  const auto args = volume(false);
  attach(args);
  TestCall call;
  call.raw()->epoch = 2;
  EXPECT_EQ(kvm_->attach(call, args), VBS_OK) << call.error;
  EXPECT_EQ(disk(args.serial).where, VBS_DISK_LIVE | VBS_DISK_PERSISTENT);
}

}  // namespace
}  // namespace vbs::test
