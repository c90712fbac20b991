// The hypervisor table on libvirt and QEMU/KVM; contract of each call in vbs/plugin/hypervisor.h.
// The calls are in kvm.cpp (facts, lists), attach.cpp, detach.cpp, resize.cpp,
// switch.cpp, stream.cpp and agent.cpp.
// Threading: nothing but the connection and the memory of unplug requests is shared between calls. Every call begins by
// reading what is true, so each may be repeated after a crash, a lost connection or a passed deadline.
#pragma once
#include "config.hpp"
#include "connection.hpp"
#include "plan.hpp"
#include "unplugs.hpp"
#include "vbs/plugin/hypervisor.hpp"

namespace vbs::kvm {

class Kvm final : public plugin::HypervisorInstance {
 public:
  Kvm(plugin::Host host, plugin::Call& call, std::string_view config);
  plugin::HypervisorFacts initial_facts() const override;
  plugin::HypervisorFacts facts(plugin::Call& call) override;
  void list_vms(plugin::Call& call) override;
  plugin::Vm find_vm(plugin::Call& call, std::string_view name_or_uuid) override;
  plugin::Disk attach(plugin::Call& call, const plugin::AttachArgs& args) override;
  void detach(plugin::Call& call, const plugin::DetachArgs& args) override;
  void inspect(plugin::Call& call, std::string_view vm_uuid) override;
  void resize(plugin::Call& call, std::string_view vm_uuid, std::string_view serial, uint64_t size_bytes) override;
  void quiesce(plugin::Call& call, std::string_view vm_uuid);
  void thaw(plugin::Call& call, std::string_view vm_uuid);
  plugin::Disk switch_image(plugin::Call& call, const plugin::AttachArgs& args);
  void stream(plugin::Call& call, std::string_view vm_uuid, std::string_view serial, std::string_view base_path);
  void stream_stop(plugin::Call& call, std::string_view vm_uuid, std::string_view serial);

 private:
  const plugin::Host host_;
  const Config config_;
  Connection connection_;
  Unplugs unplugs_;
};

// As find() of the session, but a missing VM is Error(VBS_NOT_FOUND).
DomainPtr require(Session& session, const std::string& uuid);

// nullopt: the VM has gone meanwhile.
std::optional<VmView> read_view(Session& session, const DomainPtr& domain);
VmView require_view(Session& session, const DomainPtr& domain, const std::string& uuid);

// Every disk of the VM, live and defined ones merged by serial, else by device; sizes as the VM sees them.
std::vector<plugin::Disk> read_disks(Session& session, const DomainPtr& domain, const VmView& vm);

}  // namespace vbs::kvm
