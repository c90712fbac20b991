// SPDX-License-Identifier: MIT
//
// The entry: two tables of one world.
#include "hypervisor.hpp"
#include "storage.hpp"

namespace {
bool within(uint32_t version, uint32_t low, uint32_t high) { return version >= low && version <= high; }
}  // namespace

extern "C" __attribute__((visibility("default"))) const vbs_plugin* vbs_plugin_entry(const vbs_host* host,
                                                                                     const vbs_versions* raw) {
  using namespace vbs::plugin;
  const auto v = receive(raw);
  if (!within(VBS_STORAGE_VERSION, v.storage_min, v.storage_max) ||
      !within(VBS_HYPERVISOR_VERSION, v.hypervisor_min, v.hypervisor_max)) {
    Host(host).log(VBS_LOG_ERROR,
                   "faulty speaks version 0 of the storage and hypervisor tables, and this host does not: "
                   "install a plugin built for it");
    return nullptr;
  }
  static const vbs_plugin descriptor = [] {
    vbs_plugin p{};
    p.size = sizeof p;
    p.magic = VBS_PLUGIN_MAGIC;
    p.name = str("faulty");
    p.version = str("0.1.0");
    p.storage_version = VBS_STORAGE_VERSION;
    p.hypervisor_version = VBS_HYPERVISOR_VERSION;
    p.storage = storage_table<vbs::faulty::Storage>();
    p.hypervisor = hypervisor_table<vbs::faulty::Hypervisor>();
    return p;
  }();
  return &descriptor;
}
