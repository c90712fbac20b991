// SPDX-License-Identifier: MIT
#include "judge.hpp"

namespace vbs::faulty {

std::optional<std::string> may_remove(const State& s, const std::string& id) {
  for (const auto& [name, p] : s.plugs.all())
    if (p.serial == id) return "remove of " + id + ", which VM " + p.vm_uuid + " has";
  for (const auto& [name, e] : s.exports.all())
    if (e.volume == id) return "remove of " + id + ", which is exported to " + e.host;
  return std::nullopt;
}

// CVE-2023-2088: an export that goes before the disk leaves the VM with a device that becomes somebody else's.
std::optional<std::string> may_unexport(const State& s, const Export& e, const std::string& vm_prefix) {
  for (const auto& [name, p] : s.plugs.all())
    if (p.serial == e.volume && p.vm_uuid.rfind(vm_prefix, 0) == 0)
      return "unexport of " + e.volume + " from " + e.host + ", while VM " + p.vm_uuid + " has it";
  return std::nullopt;
}

// One writer, or any number of readers; and nothing is plugged that is not exported.
std::optional<std::string> may_plug(const State& s, const Plug& p) {
  for (const auto& [name, other] : s.plugs.all())
    if (other.serial == p.serial && other.vm_uuid != p.vm_uuid && !(other.read_only && p.read_only))
      return "attach of " + p.serial + " to VM " + p.vm_uuid + " beside VM " + other.vm_uuid + ", and one may write";
  if (!s.objects.find(p.serial)) return std::nullopt;  // of another back-end
  for (const auto& [name, e] : s.exports.all())
    if (e.volume == p.serial && (p.read_only || !e.read_only)) return std::nullopt;
  return "attach of " + p.serial + " to VM " + p.vm_uuid + ", which has no export for that";
}

}  // namespace vbs::faulty
