// SPDX-License-Identifier: MIT
//
// remove and discard.
#include <algorithm>

#include "names.hpp"
#include "storage_lvm_iscsi.hpp"

namespace vbs::lvm {
using plugin::Call;
using plugin::Error;

void LvmStorage::remove(Call& call, const plugin::RemoveArgs& a) {
  check_id(a.id, "id");
  std::vector<std::string> ids{a.id};
  for (const auto& layer : a.layers) {
    const auto name = parse_name(layer);
    if (!name) throw Error(VBS_INVALID, "'" + layer + "' is not the name of a layer of this back-end");
    ids.push_back(name->owner);
  }
  const Working working(*this, ids);
  const auto view = group_.look(call, ids);
  std::vector<const Lv*> gone;
  for (const auto& lv : view.lvs) {
    const bool named = std::find(a.layers.begin(), a.layers.end(), lv.name) != a.layers.end();
    // Every attempt at the object goes with it; what a revert made for its volume only if it was never published.
    const bool its_own = lv.record.id == a.id && lv.record.kind == a.kind;
    const bool made_by_it = a.refs.empty() && lv.record.by == a.id;
    if (named || its_own || made_by_it) gone.push_back(&lv);
  }
  remove_all(call, gone);
}

void LvmStorage::discard(Call& call, const std::string& leftover) {
  const auto name = parse_name(leftover);
  if (!name) throw Error(VBS_INVALID, "'" + leftover + "' is not a name that list() gives");
  if (is_worked_on(name->owner) || (!name->by.empty() && is_worked_on(name->by)))
    throw Error(VBS_BUSY, leftover + " belongs to a call that runs now: list again when it has ended");
  const auto view = group_.look(call, {name->owner});
  const auto* lv = view.find(leftover);
  if (!lv) return;
  if (lv == view.newest_done(name->owner))
    throw Error(VBS_CONFLICT, leftover + " carries the data of " + name->owner + " and is not left over");
  remove_all(call, {lv});
}

}  // namespace vbs::lvm
