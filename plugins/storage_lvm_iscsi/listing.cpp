// SPDX-License-Identifier: MIT
//
// list, inspect and open_data: what LVM says. Of the finished volumes of one id the one of the highest generation is
// the object; those below it are not offered as left over, since a revert on top may not be committed: the core, which
// knows, asks for them. What was never finished, and is worked on by nobody, is left over.
#include "storage_lvm_iscsi.hpp"

namespace vbs::lvm {
using plugin::Call;
using plugin::Error;

void LvmStorage::list(Call& call) {
  const auto view = group_.all(call);
  for (const auto& lv : view.lvs) {
    if (&lv == view.newest_done(lv.record.id)) {
      add(call, object(lv, true));
      add(call, plugin::Layer{lv.name, "", "raw", lv.allocated_bytes(config_.thin())});
    } else if (!lv.record.done && !is_worked_on(lv.record.id)) {
      add(call, plugin::Leftover{lv.name, lv.record.by.empty() ? lv.record.id : lv.record.by,
                                 lv.allocated_bytes(config_.thin())});
    }
  }
}

plugin::Object LvmStorage::inspect(Call& call, const plugin::ObjectRef& a) {
  check_id(a.id, "id");
  const auto view = group_.look(call, {a.id});
  if (!a.refs.empty()) return object(published(view, a.kind, a.id, a.refs), true);
  const auto* lv = view.newest_done(a.id);
  if (!lv || lv->record.kind != a.kind)
    throw Error(VBS_NOT_FOUND, "volume group " + config_.group + " has nothing complete of " + a.id);
  return object(*lv, true);
}

plugin::Source LvmStorage::open_data(Call& call, const plugin::ObjectRef& a, bool read_only) {
  if (!read_only && a.kind == VBS_KIND_SNAPSHOT)
    throw Error(VBS_INVALID, "snapshot " + a.id + " is frozen: open it read-only, or make a volume from it");
  const auto view = group_.look(call, {a.id});
  const Lv& lv = published(view, a.kind, a.id, a.refs);
  ready_device(call, lv);
  return {"block", "raw", config_.device(lv.name), "{\"backing\":[]}"};
}

}  // namespace vbs::lvm
