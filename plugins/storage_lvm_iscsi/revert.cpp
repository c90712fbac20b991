// SPDX-License-Identifier: MIT
//
// revert: the volume goes on in a new logical volume with the snapshot's data, VOLUME.REVERT.EPOCH, one generation up.
// The one that it had stays until the core has committed the change and hands it to discard().
#include <algorithm>

#include "storage_lvm_iscsi.hpp"

namespace vbs::lvm {
using plugin::Call;
using plugin::Error;

void LvmStorage::revert(Call& call, const plugin::SnapshotArgs& a) {
  check_id(a.id, "id of the revert");
  const Working working(*this, {a.id, a.volume_id, a.snapshot_id});
  const auto view = group_.look(call, {a.volume_id, a.snapshot_id});
  const Lv& volume = published(view, VBS_KIND_VOLUME, a.volume_id, a.volume_refs);
  const Lv& snapshot = published(view, VBS_KIND_SNAPSHOT, a.snapshot_id, a.snapshot_refs);
  if (volume.size_bytes < snapshot.size_bytes)
    throw Error(VBS_INVALID, "snapshot " + a.snapshot_id + " has " + std::to_string(snapshot.size_bytes) +
                                 " bytes, more than volume " + a.volume_id + " (" + std::to_string(volume.size_bytes) +
                                 "): it is not one of this volume's");
  refuse_open(volume);
  std::vector<const Lv*> earlier;  // attempts at this revert, never published
  for (const auto& lv : view.lvs) {
    if (lv.record.id != a.volume_id || lv.record.by != a.id) continue;
    if (lv.record.epoch > call.epoch())
      throw Error(VBS_STALE, "revert " + a.id + ": attempt " + std::to_string(lv.record.epoch) + " has worked on it");
    if (lv.record.epoch == call.epoch() && lv.record.done) return complete(call, view, lv, volume.size_bytes);
    earlier.push_back(&lv);
  }
  remove_all(call, earlier);
  Record next = volume.record;
  next.by = a.id;
  for (const auto& lv : view.lvs)  // of reverts, too, that were never committed
    if (lv.record.id == a.volume_id) next.generation = std::max(next.generation, lv.record.generation + 1);
  make(call, view, std::move(next), volume.size_bytes, &snapshot);
}

}  // namespace vbs::lvm
