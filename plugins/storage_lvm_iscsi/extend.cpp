// SPDX-License-Identifier: MIT
#include "storage_lvm_iscsi.hpp"

namespace vbs::lvm {
using plugin::Call;
using plugin::Error;

// What a thick volume gains shows old bytes until it is wiped. A tag says so from before it grows, and nobody may have
// it open meanwhile: initiators see its new size at once.
void LvmStorage::extend(Call& call, const plugin::ExtendArgs& a) {
  check_size(a.size_bytes);
  const Working working(*this, {a.id});
  auto view = group_.look(call, {a.id});
  const Lv& lv = published(view, VBS_KIND_VOLUME, a.id, a.refs);
  if (a.size_bytes < lv.size_bytes)
    throw Error(VBS_INVALID, "volume " + a.id + " has " + std::to_string(lv.size_bytes) +
                                 " bytes and cannot become smaller (" + std::to_string(a.size_bytes) + ")");
  if (a.size_bytes > lv.size_bytes) {
    require_room(call, view, a.size_bytes - lv.size_bytes);
    const bool can_grow_in_use = config_.thin() && target_->grows_in_use();
    if ((a.in_use || lv.open) && !can_grow_in_use)
      throw Error(VBS_CONFLICT,
                  "volume " + a.id + " is in use, and " +
                      (config_.thin() ? std::string(target_->name()) + " does not notice that a volume grows"
                                      : std::string("provisioning is thick, where new space is wiped first")) +
                      ": detach it first");
    if (!config_.thin() && !lv.record.growing_from_bytes) group_.add_tag(call, lv.name, growing_tag(lv.size_bytes));
    group_.extend(call, lv.name, a.size_bytes);
    view = group_.look(call, {a.id});
  }
  const Lv& grown = published(view, VBS_KIND_VOLUME, a.id, a.refs);
  if (grown.record.growing_from_bytes) ready_device(call, grown);
  answer(call, grown);
}

}  // namespace vbs::lvm
