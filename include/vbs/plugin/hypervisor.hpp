/* SPDX-License-Identifier: MIT
 *
 * C++ side of the hypervisor table (hypervisor.h, which says what each call must do). Write a class derived from
 * HypervisorInstance with a constructor (Host, Call&, std::string_view config), and one line at the end of a .cpp file:
 *
 *   VBS_HYPERVISOR_PLUGIN("hv_mine", "1.0", MyHypervisor)
 *
 * Errors: throw vbs::plugin::Error. Threading: the host calls one instance from several threads, up to what facts()
 * says in max_parallel_calls, but never two changing calls for one VM at once. Ownership: the host owns the instance
 * between open and close; arguments belong to the callee. */
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "hypervisor.h"
#include "plugin.hpp"

namespace vbs::plugin {

struct DiskSource {
  std::string kind;    // "file", "block", "iscsi"
  std::string format;  // "raw", "qcow2"; never to be probed
  std::string path;    // absolute; empty for iscsi
  std::string data;    // JSON: {"backing": [{"path":, "format":}, ...]} nearest first; iscsi: see connector.h
  std::string secret;  // never to be logged
};

struct AttachArgs {
  std::string vm_uuid;
  std::string serial;  // the volume id
  std::string device;  // wanted name; empty: the next free one
  bool read_only = true;
  bool shared = false;  // several writers are meant
  DiskSource source;
};

struct DetachArgs {
  std::string vm_uuid;
  std::string serial;
  bool force = false;
};

struct Vm {
  std::string uuid;
  std::string name;
  int32_t state = VBS_VM_OTHER;
  bool persistent = false;
};

struct Disk {
  std::string serial;  // empty: not one of ours
  std::string device;
  std::string path;
  bool read_only = false;
  uint32_t where = 0;       // VBS_DISK_*
  uint64_t size_bytes = 0;  // 0 = not known
};

struct HypervisorFacts {
  uint64_t capabilities = 0;
  uint32_t max_parallel_calls = 0;  // 0 = no limit
  std::string json;                 // object with "accepts": [[KIND, FORMAT, "ro"|"rw"], ...]
};

inline void add(Call& call, const Vm& vm) {
  vbs_vm item{};
  item.state = vm.state;
  item.uuid = str(vm.uuid);
  item.name = str(vm.name);
  item.persistent = vm.persistent ? 1 : 0;
  call.add(VBS_ITEM_VM, item);
}

inline void add(Call& call, const Disk& disk) {
  vbs_disk item{};
  item.mode = disk.read_only ? VBS_MODE_RO : VBS_MODE_RW;
  item.serial = str(disk.serial);
  item.device = str(disk.device);
  item.path = str(disk.path);
  item.where = disk.where;
  item.size_bytes = disk.size_bytes;
  call.add(VBS_ITEM_DISK, item);
}

inline void add(Call& call, const HypervisorFacts& facts) {
  vbs_instance item{};
  item.capabilities = facts.capabilities;
  item.max_parallel_calls = facts.max_parallel_calls;
  item.facts = str(facts.json);
  call.add(VBS_ITEM_INSTANCE, item);
}

class HypervisorInstance {
 public:
  HypervisorInstance() = default;
  HypervisorInstance(const HypervisorInstance&) = delete;
  HypervisorInstance& operator=(const HypervisorInstance&) = delete;
  virtual ~HypervisorInstance() = default;

  // For open: what holds without asking the hypervisor, which may be away.
  virtual HypervisorFacts initial_facts() const = 0;
  virtual HypervisorFacts facts(Call& call) = 0;
  virtual void list_vms(Call& call) = 0;  // results go out through add(call, Vm)
  virtual Vm find_vm(Call& call, std::string_view name_or_uuid) = 0;
  virtual Disk attach(Call& call, const AttachArgs& args) = 0;
  virtual void detach(Call& call, const DetachArgs& args) = 0;
  virtual void inspect(Call& call, std::string_view vm_uuid) = 0;  // add(call, Disk)
  virtual void resize(Call& call, std::string_view vm_uuid, std::string_view serial, uint64_t size_bytes) = 0;

  // Optional; a class that has them declares exactly these, and the table then offers them:
  //   void quiesce(Call&, std::string_view vm_uuid);       void thaw(Call&, std::string_view vm_uuid);
  //   Disk switch_image(Call&, const AttachArgs&);
  //   void stream(Call&, std::string_view vm_uuid, std::string_view serial, std::string_view base_path);
  //   void stream_stop(Call&, std::string_view vm_uuid, std::string_view serial);
};

namespace detail {

inline AttachArgs attach_args(const vbs_attach_args* raw) {
  const auto in = receive(raw);
  const auto source = in.source ? receive(in.source) : vbs_source{};
  return {
      .vm_uuid = text(in.vm_uuid),
      .serial = text(in.serial),
      .device = text(in.device),
      .read_only = in.mode != VBS_MODE_RW,
      .shared = in.shared != 0,
      .source = {text(source.kind), text(source.format), text(source.path), text(source.data), text(source.secret)}};
}

// The C functions of one class. Each turns exceptions into a status, so none crosses the line.
template <class T>
struct HypervisorCalls {
  static T& self(void* instance) { return *static_cast<T*>(instance); }

  static vbs_status open(const vbs_host* host, vbs_call* raw, vbs_str config, void** instance) {
    return guard(raw, [&] {
      Call call(raw);
      auto made = std::make_unique<T>(Host(host), call, view(config));
      add(call, made->initial_facts());
      *instance = made.release();
    });
  }
  static void close(void* instance) { delete static_cast<T*>(instance); }
  static vbs_status facts(void* instance, vbs_call* raw) {
    return guard(raw, [&] {
      Call call(raw);
      add(call, self(instance).facts(call));
    });
  }
  static vbs_status list_vms(void* instance, vbs_call* raw) {
    return guard(raw, [&] {
      Call call(raw);
      self(instance).list_vms(call);
    });
  }
  static vbs_status find_vm(void* instance, vbs_call* raw, vbs_str name_or_uuid) {
    return guard(raw, [&] {
      Call call(raw);
      add(call, self(instance).find_vm(call, view(name_or_uuid)));
    });
  }
  static vbs_status attach(void* instance, vbs_call* raw, const vbs_attach_args* args) {
    return guard(raw, [&] {
      Call call(raw);
      add(call, self(instance).attach(call, attach_args(args)));
    });
  }
  static vbs_status detach(void* instance, vbs_call* raw, const vbs_detach_args* args) {
    return guard(raw, [&] {
      Call call(raw);
      const auto in = receive(args);
      self(instance).detach(call, {text(in.vm_uuid), text(in.serial), in.force != 0});
    });
  }
  static vbs_status inspect(void* instance, vbs_call* raw, vbs_str vm_uuid) {
    return guard(raw, [&] {
      Call call(raw);
      self(instance).inspect(call, view(vm_uuid));
    });
  }
  static vbs_status resize(void* instance, vbs_call* raw, vbs_str vm_uuid, vbs_str serial, uint64_t size_bytes) {
    return guard(raw, [&] {
      Call call(raw);
      self(instance).resize(call, view(vm_uuid), view(serial), size_bytes);
    });
  }
  static vbs_status quiesce(void* instance, vbs_call* raw, vbs_str vm_uuid) {
    return guard(raw, [&] {
      Call call(raw);
      self(instance).quiesce(call, view(vm_uuid));
    });
  }
  static vbs_status thaw(void* instance, vbs_call* raw, vbs_str vm_uuid) {
    return guard(raw, [&] {
      Call call(raw);
      self(instance).thaw(call, view(vm_uuid));
    });
  }
  static vbs_status switch_image(void* instance, vbs_call* raw, const vbs_attach_args* args) {
    return guard(raw, [&] {
      Call call(raw);
      add(call, self(instance).switch_image(call, attach_args(args)));
    });
  }
  static vbs_status stream(void* instance, vbs_call* raw, vbs_str vm_uuid, vbs_str serial, vbs_str base_path) {
    return guard(raw, [&] {
      Call call(raw);
      self(instance).stream(call, view(vm_uuid), view(serial), view(base_path));
    });
  }
  static vbs_status stream_stop(void* instance, vbs_call* raw, vbs_str vm_uuid, vbs_str serial) {
    return guard(raw, [&] {
      Call call(raw);
      self(instance).stream_stop(call, view(vm_uuid), view(serial));
    });
  }
};

}  // namespace detail

// The table of T, for plugins that have more than one kind; VBS_HYPERVISOR_PLUGIN needs only this one. Lives for ever.
template <class T>
const vbs_hypervisor_table* hypervisor_table() {
  using Calls = detail::HypervisorCalls<T>;
  static const vbs_hypervisor_table table = [] {
    vbs_hypervisor_table t{};
    t.size = sizeof t;
    t.open = Calls::open;
    t.close = Calls::close;
    t.facts = Calls::facts;
    t.list_vms = Calls::list_vms;
    t.find_vm = Calls::find_vm;
    t.attach = Calls::attach;
    t.detach = Calls::detach;
    t.inspect = Calls::inspect;
    t.resize = Calls::resize;
    if constexpr (requires { &T::quiesce; }) t.quiesce = Calls::quiesce;
    if constexpr (requires { &T::thaw; }) t.thaw = Calls::thaw;
    if constexpr (requires { &T::switch_image; }) t.switch_image = Calls::switch_image;
    if constexpr (requires { &T::stream; }) t.stream = Calls::stream;
    if constexpr (requires { &T::stream_stop; }) t.stream_stop = Calls::stream_stop;
    return t;
  }();
  return &table;
}

// The entry of a plugin with nothing but a hypervisor: NULL, and a line in the host's log, if the host does not speak
// this header's version of the table.
template <class T>
const vbs_plugin* hypervisor_plugin(const vbs_host* host, const vbs_versions* raw, std::string_view name,
                                    std::string_view version) {
  const auto versions = receive(raw);
  if (VBS_HYPERVISOR_VERSION < versions.hypervisor_min || VBS_HYPERVISOR_VERSION > versions.hypervisor_max) {
    Host(host).log(VBS_LOG_ERROR, std::string(name) + " speaks hypervisor table version " +
                                      std::to_string(VBS_HYPERVISOR_VERSION) + ", this host versions " +
                                      std::to_string(versions.hypervisor_min) + " to " +
                                      std::to_string(versions.hypervisor_max) + ": install a plugin built for it");
    return nullptr;
  }
  static const vbs_plugin descriptor = [&] {
    vbs_plugin p{};
    p.size = sizeof p;
    p.magic = VBS_PLUGIN_MAGIC;
    p.name = str(name);
    p.version = str(version);
    p.hypervisor_version = VBS_HYPERVISOR_VERSION;
    p.hypervisor = hypervisor_table<T>();
    return p;
  }();
  return &descriptor;
}

}  // namespace vbs::plugin

// NAME and VERSION are string literals and equal to the manifest's.
#define VBS_HYPERVISOR_PLUGIN(NAME, VERSION, CLASS)                                                                    \
  extern "C" __attribute__((visibility("default"))) const vbs_plugin* vbs_plugin_entry(const vbs_host* host,           \
                                                                                       const vbs_versions* versions) { \
    return ::vbs::plugin::hypervisor_plugin<CLASS>(host, versions, NAME, VERSION);                                     \
  }
