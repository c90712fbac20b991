#include <gmock/gmock.h>

#include <algorithm>

#include "lab.hpp"

namespace vbs::test {
namespace {

using testing::HasSubstr;

class Vms : public Guest {};

TEST_F(Vms, TheFactsNameWhatIsAcceptedAndTheVersions) {
  TestCall call;
  ASSERT_EQ(kvm_->facts(call), VBS_OK) << call.error;
  EXPECT_THAT(call.facts, HasSubstr(R"("accepts":[["file","raw","rw"])"));
  EXPECT_THAT(call.facts, HasSubstr(R"("libvirt":")"));
  EXPECT_THAT(call.facts, HasSubstr(R"("hypervisor":"QEMU")"));
}

TEST_F(Vms, AVmIsFoundByNameAndByUuid) {
  TestCall by_name;
  ASSERT_EQ(kvm_->find(by_name, "vbs-main"), VBS_OK) << by_name.error;
  const auto vm = by_name.vms.at(0);
  EXPECT_EQ(vm.state, VBS_VM_RUNNING);
  EXPECT_TRUE(vm.persistent);
  TestCall by_uuid;
  ASSERT_EQ(kvm_->find(by_uuid, vm.uuid), VBS_OK) << by_uuid.error;
  EXPECT_EQ(by_uuid.vms.at(0).name, "vbs-main");
  TestCall list;
  ASSERT_EQ(kvm_->list(list), VBS_OK) << list.error;
  EXPECT_TRUE(std::any_of(list.vms.begin(), list.vms.end(), [&](const auto& v) { return v.uuid == vm.uuid; }));
}

TEST_F(Vms, ANameThatNobodyHasIsNotFound) {
  TestCall call;
  EXPECT_EQ(kvm_->find(call, "no-such-vm"), VBS_NOT_FOUND);
  EXPECT_THAT(call.error, HasSubstr("no VM named \"no-such-vm\""));
  TestCall inspect;
  EXPECT_EQ(kvm_->inspect(inspect, "00000000-0000-4000-8000-000000000000"), VBS_NOT_FOUND);
}

TEST_F(Vms, APausedVmIsPaused) {
  virsh("suspend vbs-main");
  TestCall call;
  ASSERT_EQ(kvm_->find(call, "vbs-main"), VBS_OK) << call.error;
  EXPECT_EQ(call.vms.at(0).state, VBS_VM_PAUSED);
  virsh("resume vbs-main");
}

// One boot for the whole life of a stopped VM.
TEST_F(Vms, ADiskOfAPersistentVmOutlivesItsStopAndStart) {
  lab("guest stopped");
  auto kept = volume(false);
  kept.vm_uuid = uuid("stopped");
  TestCall first;
  ASSERT_EQ(kvm_->attach(first, kept), VBS_OK) << first.error;
  virsh("destroy vbs-stopped");
  EXPECT_EQ(disk(kept.serial, kept.vm_uuid).where, VBS_DISK_PERSISTENT);
  EXPECT_EQ(disk(kept.serial, kept.vm_uuid).size_bytes, 16u << 20);
  TestCall repeat;
  EXPECT_EQ(kvm_->attach(repeat, kept), VBS_OK) << repeat.error;

  auto added = volume(true);
  added.vm_uuid = kept.vm_uuid;
  TestCall refused;
  EXPECT_EQ(kvm_->attach(refused, added), VBS_BUSY);
  EXPECT_THAT(refused.error, HasSubstr("shut off: start it first"));
  const Instance lenient(config(R"(,"shut_off":"definition")"));
  TestCall defined;
  EXPECT_EQ(lenient.attach(defined, added), VBS_OK) << defined.error;

  virsh("start vbs-stopped");
  EXPECT_EQ(disk(kept.serial, kept.vm_uuid).where, VBS_DISK_LIVE | VBS_DISK_PERSISTENT);
  EXPECT_TRUE(disk(added.serial, added.vm_uuid).read_only);
  virsh("destroy vbs-stopped");
  TestCall detached;
  EXPECT_EQ(kvm_->detach(detached, kept.vm_uuid, kept.serial), VBS_OK) << detached.error;
  EXPECT_EQ(disk(kept.serial, kept.vm_uuid).where, 0u);
  lab("kill stopped");
}

}  // namespace
}  // namespace vbs::test
