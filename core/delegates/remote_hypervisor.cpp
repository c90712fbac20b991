#include "core/delegates/remote.hpp"
#include "core/delegates/wire.hpp"

namespace vbs {
namespace {
using Change = RemoteInstance::Change;

class RemoteHypervisor final : public Hypervisor {
 public:
  explicit RemoteHypervisor(std::shared_ptr<RemoteInstance> instance) : instance_(std::move(instance)) {}

  void after_reopen(std::function<void()> hook) override { instance_->after_reopen(std::move(hook)); }
  InstanceFacts facts(const Call& call) override {
    wire::Arguments a;
    a.mutable_host_facts();
    return from_wire(ask(call, a).facts());
  }
  std::vector<Vm> list_vms(const Call& call) override {
    wire::Arguments a;
    a.mutable_list_vms();
    std::vector<Vm> out;
    const auto result = ask(call, a);
    for (const auto& vm : result.vms()) out.push_back(from_wire(vm));
    return out;
  }
  Vm find_vm(const Call& call, const std::string& name_or_uuid) override {
    wire::Arguments a;
    a.set_find_vm(name_or_uuid);
    const auto result = ask(call, a);
    return from_wire(only(result.vms()));
  }
  Disk attach(const Call& call, const DiskSpec& spec) override {
    wire::Arguments a;
    to_wire(spec, a.mutable_attach());
    const auto result = change(call, a);
    return from_wire(only(result.disks()));
  }
  void detach(const Call& call, const std::string& vm_uuid, const std::string& serial, bool force) override {
    wire::Arguments a;
    name(a.mutable_detach(), vm_uuid, serial);
    a.mutable_detach()->set_force(force);
    change(call, a);
  }
  std::vector<Disk> inspect(const Call& call, const std::string& vm_uuid) override {
    wire::Arguments a;
    a.set_inspect_vm(vm_uuid);
    std::vector<Disk> out;
    const auto result = ask(call, a);
    for (const auto& disk : result.disks()) out.push_back(from_wire(disk));
    return out;
  }
  void resize(const Call& call, const std::string& vm_uuid, const std::string& serial, uint64_t size_bytes) override {
    wire::Arguments a;
    name(a.mutable_resize(), vm_uuid, serial);
    a.mutable_resize()->set_size_bytes(size_bytes);
    change(call, a);
  }
  void quiesce(const Call& call, const std::string& vm_uuid) override {
    wire::Arguments a;
    a.set_quiesce(vm_uuid);
    change(call, a);
  }
  void thaw(const Call& call, const std::string& vm_uuid) override {
    wire::Arguments a;
    a.set_thaw(vm_uuid);
    change(call, a);
  }
  Disk switch_image(const Call& call, const DiskSpec& spec) override {
    wire::Arguments a;
    to_wire(spec, a.mutable_switch_image());
    const auto result = change(call, a);
    return from_wire(only(result.disks()));
  }
  void stream(const Call& call, const std::string& vm_uuid, const std::string& serial) override {
    wire::Arguments a;
    name(a.mutable_stream(), vm_uuid, serial);
    change(call, a);
  }
  void stream_stop(const Call& call, const std::string& vm_uuid, const std::string& serial) override {
    wire::Arguments a;
    name(a.mutable_stream_stop(), vm_uuid, serial);
    change(call, a);
  }

 private:
  wire::Result ask(const Call& call, const wire::Arguments& a) { return instance_->run(call, a, Change::none); }
  wire::Result change(const Call& call, const wire::Arguments& a) { return instance_->run(call, a, Change::in_place); }
  static void name(wire::DiskOfVm* to, const std::string& vm_uuid, const std::string& serial) {
    to->set_vm_uuid(vm_uuid);
    to->set_serial(serial);
  }
  template <class T>
  static const T& only(const google::protobuf::RepeatedPtrField<T>& list) {
    if (list.size() == 1) return list[0];
    throw Error(Code::internal, "the delegate answered " + std::to_string(list.size()) +
                                    " of what must be one: bring vbsd and vbs-delegate to one version");
  }
  const std::shared_ptr<RemoteInstance> instance_;
};
}  // namespace

std::unique_ptr<Hypervisor> make_remote_hypervisor(std::shared_ptr<RemoteInstance> instance) {
  return std::make_unique<RemoteHypervisor>(std::move(instance));
}

}  // namespace vbs
