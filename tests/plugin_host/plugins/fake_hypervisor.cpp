// One VM that takes every disk. The wanted device name chooses what goes wrong.
#include <string>

#include "vbs/plugin/hypervisor.h"

namespace {
vbs_str str(const std::string& s) { return {s.data(), s.size()}; }
std::string text(vbs_str s) { return s.ptr ? std::string(s.ptr, s.len) : std::string(); }
const std::string kUuid = "11111111-2222-4333-8444-555555555555", kName = "guest";
int instance_marker;

void add_instance(vbs_call* call) {
  const std::string facts = R"({"accepts": [["file", "raw", "rw"]]})";
  const vbs_instance i{sizeof i, 2, 0, str(facts)};
  call->add_item(call, VBS_ITEM_INSTANCE, &i);
}
vbs_status open_instance(const vbs_host*, vbs_call* call, vbs_str, void** out) {
  add_instance(call);
  *out = &instance_marker;
  return VBS_OK;
}
void close_instance(void*) {}
vbs_status facts(void*, vbs_call* call) {
  add_instance(call);
  return VBS_OK;
}
void add_vm(vbs_call* call) {
  const vbs_vm v{sizeof v, VBS_VM_RUNNING, str(kUuid), str(kName), 1, 0};
  call->add_item(call, VBS_ITEM_VM, &v);
}
vbs_status list_vms(void*, vbs_call* call) {
  add_vm(call);
  return VBS_OK;
}
vbs_status find_vm(void*, vbs_call* call, vbs_str name) {
  if (text(name) == "nobody") return VBS_NOT_FOUND;
  add_vm(call);
  return VBS_OK;
}
vbs_status attach(void*, vbs_call* call, const vbs_attach_args* a) {
  std::string serial = text(a->serial), device = text(a->device), path = text(a->source->path);
  vbs_disk d{};
  d.size = sizeof d;
  d.mode = device == "writable" ? VBS_MODE_RW : a->mode;
  if (device == "stranger") serial = "somebody-else";
  if (device == "silent") return VBS_OK;
  d.serial = str(serial);
  d.device = str(device);
  d.path = str(path);
  d.where = VBS_DISK_LIVE | VBS_DISK_PERSISTENT;
  call->add_item(call, VBS_ITEM_DISK, &d);
  return VBS_OK;
}
}  // namespace

extern "C" const vbs_plugin* vbs_plugin_entry(const vbs_host*, const vbs_versions*) {
  static vbs_hypervisor_table table{};
  static vbs_plugin plugin{};
  table.size = sizeof table;
  table.open = open_instance;
  table.close = close_instance;
  table.facts = facts;
  table.list_vms = list_vms;
  table.find_vm = find_vm;
  table.attach = attach;
  plugin.size = sizeof plugin;
  plugin.magic = VBS_PLUGIN_MAGIC;
  plugin.name = {"fake_hypervisor", 15};
  plugin.version = {"1.0", 3};
  plugin.hypervisor = &table;
  return &plugin;
}
