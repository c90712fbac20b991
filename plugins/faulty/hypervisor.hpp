// SPDX-License-Identifier: MIT
//
// A hypervisor whose VMs exist by configuration: vm1, vm2 ..., always running. Their disks are records.
#pragma once
#include "vbs/plugin/hypervisor.hpp"
#include "world.hpp"

namespace vbs::faulty {

std::string vms_of(const std::string& node);  // what the UUIDs of its VMs begin with

class Hypervisor : public plugin::HypervisorInstance {
 public:
  Hypervisor(plugin::Host host, plugin::Call& call, std::string_view config);
  plugin::HypervisorFacts initial_facts() const override;
  plugin::HypervisorFacts facts(plugin::Call& call) override;
  void list_vms(plugin::Call& call) override;
  plugin::Vm find_vm(plugin::Call& call, std::string_view name_or_uuid) override;
  plugin::Disk attach(plugin::Call& call, const plugin::AttachArgs& args) override;
  void detach(plugin::Call& call, const plugin::DetachArgs& args) override;
  void inspect(plugin::Call& call, std::string_view vm_uuid) override;
  void resize(plugin::Call& call, std::string_view vm_uuid, std::string_view serial, uint64_t size_bytes) override;
  void stream(plugin::Call& call, std::string_view vm_uuid, std::string_view serial, std::string_view base_path);
  void stream_stop(plugin::Call& call, std::string_view vm_uuid, std::string_view serial);

 private:
  const plugin::Vm& existing(std::string_view name_or_uuid) const;
  const Config config_;
  const std::shared_ptr<World> world_;
  std::vector<plugin::Vm> vms_;
};

}  // namespace vbs::faulty
