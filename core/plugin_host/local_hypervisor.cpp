#include "core/plugin_host/local_hypervisor.hpp"

#include "core/base/error.hpp"
#include "core/plugin_host/call_context.hpp"
#include "core/plugin_host/call_gate.hpp"
#include "vbs/plugin/plugin.hpp"

namespace vbs {
namespace {
using plugin::str;

class LocalHypervisor final : public Hypervisor {
 public:
  LocalHypervisor(const vbs_hypervisor_table& table, const HostServices& host, void* instance,
                  uint32_t max_parallel_calls)
      : table_(table), host_(host), instance_(instance), gate_(max_parallel_calls) {}
  ~LocalHypervisor() override { table_.close(instance_); }
  LocalHypervisor(const LocalHypervisor&) = delete;
  LocalHypervisor& operator=(const LocalHypervisor&) = delete;

  InstanceFacts facts(const Call& call) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "facts");
    context.run(table_.facts, instance_, context.raw());
    if (context.results().instances.size() != 1) context.wrong_answer("exactly one INSTANCE was expected");
    return std::move(context.results().instances[0]);
  }

  std::vector<Vm> list_vms(const Call& call) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "list_vms");
    context.run(table_.list_vms, instance_, context.raw());
    return std::move(context.results().vms);
  }

  Vm find_vm(const Call& call, const std::string& name_or_uuid) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "find_vm");
    context.run(table_.find_vm, instance_, context.raw(), str(name_or_uuid));
    auto& vms = context.results().vms;
    if (vms.size() != 1 || (vms[0].name != name_or_uuid && vms[0].uuid != name_or_uuid))
      context.wrong_answer("exactly one VM of that name or UUID was expected");
    return std::move(vms[0]);
  }

  Disk attach(const Call& call, const DiskSpec& spec) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "attach");
    CallContext::hide(context.raw(), {spec.source.secret});
    const auto source = source_of(spec.source);
    const auto args = attach_args(spec, source);
    context.run(table_.attach, instance_, context.raw(), &args);
    auto& disks = context.results().disks;
    if (disks.size() != 1 || disks[0].serial != spec.serial)
      context.wrong_answer("exactly one DISK, with the serial asked for, was expected");
    if (spec.mode == Mode::ro && disks[0].mode == Mode::rw)
      context.wrong_answer("a read-only disk was asked for, a writable one was attached");
    return std::move(disks[0]);
  }

  void detach(const Call& call, const std::string& vm_uuid, const std::string& serial, bool force) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "detach");
    const vbs_detach_args args{sizeof args, force, str(vm_uuid), str(serial)};
    context.run(table_.detach, instance_, context.raw(), &args);
  }

  std::vector<Disk> inspect(const Call& call, const std::string& vm_uuid) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "inspect");
    context.run(table_.inspect, instance_, context.raw(), str(vm_uuid));
    return std::move(context.results().disks);
  }

  void resize(const Call& call, const std::string& vm_uuid, const std::string& serial, uint64_t size_bytes) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "resize");
    context.run(table_.resize, instance_, context.raw(), str(vm_uuid), str(serial), size_bytes);
  }

  void quiesce(const Call& call, const std::string& vm_uuid) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "quiesce");
    context.run(table_.quiesce, instance_, context.raw(), str(vm_uuid));
  }

  void thaw(const Call& call, const std::string& vm_uuid) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "thaw");
    context.run(table_.thaw, instance_, context.raw(), str(vm_uuid));
  }

  Disk switch_image(const Call& call, const DiskSpec& spec) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "switch_image");
    CallContext::hide(context.raw(), {spec.source.secret});
    const auto source = source_of(spec.source);
    const auto args = attach_args(spec, source);
    context.run(table_.switch_image, instance_, context.raw(), &args);
    auto& disks = context.results().disks;
    if (disks.size() != 1 || disks[0].serial != spec.serial)
      context.wrong_answer("exactly one DISK, with the serial asked for, was expected");
    if (!spec.source.path.empty() && disks[0].path != spec.source.path)
      context.wrong_answer("the disk was to be " + spec.source.path + ", and is " + disks[0].path);
    return std::move(disks[0]);
  }

  void stream(const Call& call, const std::string& vm_uuid, const std::string& serial) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "stream");
    context.run(table_.stream, instance_, context.raw(), str(vm_uuid), str(serial), vbs_str{});
  }

  void stream_stop(const Call& call, const std::string& vm_uuid, const std::string& serial) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "stream_stop");
    context.run(table_.stream_stop, instance_, context.raw(), str(vm_uuid), str(serial));
  }

 private:
  static vbs_source source_of(const Source& s) {
    return {sizeof(vbs_source), 0, str(s.kind), str(s.format), str(s.path), str(s.data), str(s.secret)};
  }
  static vbs_attach_args attach_args(const DiskSpec& spec, const vbs_source& source) {
    vbs_attach_args args{};
    args.size = sizeof args;
    args.mode = spec.mode == Mode::rw ? VBS_MODE_RW : VBS_MODE_RO;
    args.vm_uuid = str(spec.vm_uuid);
    args.serial = str(spec.serial);
    args.device = str(spec.device);
    args.source = &source;
    args.shared = spec.shared;
    return args;
  }

  const vbs_hypervisor_table& table_;
  const HostServices& host_;
  void* const instance_;
  CallGate gate_;
};
}  // namespace

const char* to_string(VmState state) {
  switch (state) {
    case VmState::running:
      return "running";
    case VmState::paused:
      return "paused";
    case VmState::shut_off:
      return "shut_off";
    case VmState::other:
      break;
  }
  return "other";
}

std::unique_ptr<Hypervisor> open_local_hypervisor(LoadedPlugin& plugin, const HostServices& host,
                                                  const std::string& config) {
  const auto& table = plugin.hypervisor();
  Call call;
  call.id = "open";
  CallContext context(host, call, "open");
  void* instance = nullptr;
  const auto status = context.ask(table.open, host.table(), context.raw(), str(config), &instance);
  auto facts = context.take_instance(status, instance, table.close);
  return std::make_unique<LocalHypervisor>(table, host, instance, facts.max_parallel_calls);
}

}  // namespace vbs
