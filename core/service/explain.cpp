// `vbs explain`: why a volume is in its state, and what can be done next, in sentences.
#include <fmt/format.h>

#include "core/service/objects.hpp"
#include "vbs/plugin/storage.h"

namespace vbs {
namespace {
// Steps and reasons of the owner's operations name the owner's VMs; somebody with a grant is not told those.
void about_operation(Core& core, const Caller& caller, const VolumeView& v, const std::string& object_id,
                     Explanation& out) {
  const auto rows = core.database.read([&](store::Session& db) {
    return store::list_operations(db, {"", "", object_id, 1});
  });
  if (rows.empty()) return;
  const auto& o = rows.front();
  if (o.state == state::done) return;
  if (v.access == Access::read_only && o.project_id != caller.who.project_id) {
    if (o.state != state::failed) out.lines.push_back("its owner changes it just now: " + o.kind);
    return;
  }
  out.lines.push_back(fmt::format("operation {} ({}) is {}{}{}", o.id, o.kind, o.state,
                                  o.step_name.empty() ? "" : ", at step " + o.step_name,
                                  o.waits_for.empty() ? "" : ": " + o.waits_for));
  if (o.state == state::waiting)
    out.next.push_back(fmt::format("it is tried again by itself; at once with: vbs operations retry {}", o.id));
  if (o.state == state::running || o.state == state::queued)
    out.next.push_back(fmt::format("watch it with: vbs operations show {}", o.id));
}

void about_enforcement(Core& core, const VolumeView& v, Explanation& out) {
  bool reader = false;
  for (const auto& a : v.attachments) reader = reader || a.mode == "ro";
  if (!reader) return;
  const auto& slot = core.registry.backend(v.row.backend_id).slot;
  const bool at_target = slot.is_open() && slot.plugin().has(VBS_CAP_TARGET_RO);
  out.lines.push_back(
      at_target
          ? "read-only is enforced at the target and by the hypervisor"
          : "read-only is enforced by the hypervisor alone: a plain file has no target that could refuse a write");
}
void about_chain(Core& core, const VolumeView& v, Explanation& out) {
  const auto layers =
      core.database.read([&](store::Session& db) { return store::layers_under(db, v.row.backend_id, v.row.layer); });
  if (layers == 0) return;
  const auto limit = core.config.flatten_above;
  out.lines.push_back(fmt::format("it rests on {} layer{}{}", layers, layers == 1 ? "" : "s",
                                  limit == 0 ? "" : fmt::format("; above {} it is flattened by itself", limit)));
  if (v.access != Access::read_only && v.row.lifecycle == "available" && v.row.operation_id.empty())
    out.next.push_back("give it files of its own with: vbs flatten-volume " + v.row.id);
}
}  // namespace

Explanation explain(Core& core, const Caller& caller, const std::string& id) {
  const auto v = require_volume(core, caller, Action::see, id);
  Explanation out;
  out.lines.push_back(fmt::format("volume {} is {}; {} bytes, {} on back-end {}", v.row.id, v.row.lifecycle,
                                  v.row.size_bytes, v.row.format.empty() ? "no data yet" : v.row.format,
                                  core.registry.backend(v.row.backend_id).row.name));
  if (!v.row.error_message.empty()) out.lines.push_back("because: " + v.row.error_message);
  about_chain(core, v, out);
  about_operation(core, caller, v, id, out);
  for (const auto& a : v.attachments) {
    out.lines.push_back(fmt::format("{} to VM {} ({}) on host {} as {}, mode {}", a.state, a.vm_name, a.vm_uuid,
                                    core.registry.host(a.host_id).row.name,
                                    a.device.empty() ? "a device not known yet" : a.device, a.mode));
    if (!a.error_message.empty()) out.lines.push_back("  the last try: " + a.error_message);
    if (!a.operation_id.empty()) about_operation(core, caller, v, a.id, out);
  }
  about_enforcement(core, v, out);
  const auto& slot = core.registry.backend(v.row.backend_id).slot;
  if (!slot.is_open()) out.lines.push_back("its back-end is not available: " + slot.error());

  if (v.row.lifecycle == "failed")
    out.next.push_back(fmt::format("remove what is left of it with: vbs delete-volume {}", id));
  if (v.row.lifecycle == "available" && v.attachments.empty()) {
    out.lines.push_back("nothing uses it");
    out.next.push_back(fmt::format("attach it with: vbs attach-volume {} HOST VM", id));
  }
  for (const auto& a : v.attachments)
    if (a.mode == "rw") out.next.push_back(fmt::format("nobody else can attach it until: vbs detach-volume {}", id));
  return out;
}
}  // namespace vbs
