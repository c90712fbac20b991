// SPDX-License-Identifier: MIT
#include "hypervisor.hpp"

#include <cstdio>

#include "judge.hpp"

namespace vbs::faulty {
namespace {
using namespace vbs::plugin;

std::string key(std::string_view vm_uuid, std::string_view serial) {
  return std::string(vm_uuid) + "." + std::string(serial);
}

Disk told(const Plug& p) {
  return {p.serial, p.device, p.path, p.read_only, VBS_DISK_LIVE | VBS_DISK_PERSISTENT, p.size_bytes};
}

std::string free_device(const State& s, const std::string& vm_uuid, const std::string& wanted) {
  std::set<std::string> taken{"vda"};
  for (const auto& [name, p] : s.plugs.all())
    if (p.vm_uuid == vm_uuid) taken.insert(p.device);
  if (!wanted.empty()) {
    if (taken.count(wanted))
      throw Error(VBS_CONFLICT, "faulty: the VM has a disk " + wanted + ": ask for another name");
    return wanted;
  }
  for (char first = 'a' - 1; first <= 'z'; ++first)
    for (char last = 'a'; last <= 'z'; ++last) {
      const auto name = std::string("vd") + (first < 'a' ? "" : std::string(1, first)) + last;
      if (!taken.count(name)) return name;
    }
  throw Error(VBS_CONFLICT, "faulty: the VM has no name for another disk: detach one");
}
}  // namespace

// FNV-1a of the name: VMs of two nodes never have one UUID.
std::string vms_of(const std::string& node) {
  uint32_t h = 2166136261u;
  for (const char c : node) h = (h ^ static_cast<unsigned char>(c)) * 16777619u;
  char text[40];
  std::snprintf(text, sizeof text, "%08x-0000-4000-8000-", h);
  return text;
}

Hypervisor::Hypervisor(Host host, Call& call, std::string_view config)
    : config_(host, config), world_(World::at(host, config_)) {
  for (unsigned i = 1; i <= config_.vms; ++i) {
    char number[16];
    std::snprintf(number, sizeof number, "%012u", i);
    vms_.push_back({vms_of(config_.node) + number, "vm" + std::to_string(i), VBS_VM_RUNNING, true});
  }
  world_->run(call, "open", "", [](State&) {});
}

HypervisorFacts Hypervisor::initial_facts() const {
  return {
      0, 0,
      R"({"accepts": [["file", "raw", "ro"], ["file", "raw", "rw"], ["block", "raw", "ro"], ["block", "raw", "rw"]]})"};
}

HypervisorFacts Hypervisor::facts(Call& call) {
  return world_->run(call, "facts", "", [&](State&) { return initial_facts(); });
}

const Vm& Hypervisor::existing(std::string_view name_or_uuid) const {
  for (const auto& vm : vms_)
    if (vm.uuid == name_or_uuid || vm.name == name_or_uuid) return vm;
  throw Error(VBS_NOT_FOUND, "faulty: " + config_.node + " has no VM '" + std::string(name_or_uuid) +
                                 "'; it has vm1 to vm" + std::to_string(config_.vms));
}

void Hypervisor::list_vms(Call& call) {
  world_->run(call, "list_vms", "", [&](State&) {
    for (const auto& vm : vms_) add(call, vm);
  });
}

Vm Hypervisor::find_vm(Call& call, std::string_view name_or_uuid) {
  return world_->run(call, "find_vm", "", [&](State&) { return Vm(existing(name_or_uuid)); });
}

Disk Hypervisor::attach(Call& call, const AttachArgs& a) {
  return world_->run(call, "attach", a.vm_uuid, [&](State& s) {
    existing(a.vm_uuid);
    if (const auto* there = s.plugs.find(key(a.vm_uuid, a.serial))) {
      if (there->read_only != a.read_only)
        throw Error(VBS_CONFLICT,
                    "faulty: VM " + a.vm_uuid + " has " + a.serial + " in the other mode: detach it first");
      return told(*there);
    }
    Plug p;
    p.vm_uuid = a.vm_uuid;
    p.serial = a.serial;
    p.path = a.source.path;
    p.read_only = a.read_only;
    p.device = free_device(s, a.vm_uuid, a.device);
    if (const auto* o = s.objects.find(a.serial)) p.size_bytes = o->size_bytes;
    world_->require(may_plug(s, p));
    s.plugs.put(key(a.vm_uuid, a.serial), p);
    return told(p);
  });
}

void Hypervisor::detach(Call& call, const DetachArgs& a) {
  world_->run(call, "detach", a.vm_uuid, [&](State& s) { s.plugs.erase(key(a.vm_uuid, a.serial)); });
}

void Hypervisor::inspect(Call& call, std::string_view vm_uuid) {
  world_->run(call, "inspect_vm", "", [&](State& s) {
    existing(vm_uuid);
    for (const auto& [name, p] : s.plugs.all())
      if (p.vm_uuid == vm_uuid) add(call, told(p));
  });
}

void Hypervisor::resize(Call& call, std::string_view vm_uuid, std::string_view serial, uint64_t size_bytes) {
  world_->run(call, "resize", std::string(vm_uuid), [&](State& s) {
    const auto* there = s.plugs.find(key(vm_uuid, serial));
    if (!there)
      throw Error(VBS_NOT_FOUND, "faulty: VM " + std::string(vm_uuid) + " has no disk " + std::string(serial));
    auto p = *there;
    p.size_bytes = size_bytes;
    s.plugs.put(key(vm_uuid, serial), p);
  });
}

void Hypervisor::stream(Call& call, std::string_view vm_uuid, std::string_view serial, std::string_view) {
  world_->run(call, "stream", std::string(vm_uuid), [&](State& s) {
    const auto* there = s.plugs.find(key(vm_uuid, serial));
    if (!there)
      throw Error(VBS_NOT_FOUND, "faulty: VM " + std::string(vm_uuid) + " has no disk " + std::string(serial));
    const auto name = there->path.substr(there->path.rfind('/') + 1);
    const auto* layer = s.layers.find(name);
    if (!layer) throw Error(VBS_INTERNAL, "faulty: the disk " + there->path + " is of no layer");
    auto alone = *layer;
    alone.parent.clear();
    s.layers.put(name, alone);
  });
}

void Hypervisor::stream_stop(Call& call, std::string_view vm_uuid, std::string_view) {
  world_->run(call, "stream_stop", std::string(vm_uuid), [](State&) {});
}

}  // namespace vbs::faulty
