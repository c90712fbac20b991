// SPDX-License-Identifier: MIT
//
// Snapshots. Thin: the kernel suspends the volume for a moment and shares its blocks, in use or not, so nothing has to
// be prepared and no guest has to be moved. Thick: a copy of a volume that nobody uses.
#include <set>

#include "storage_lvm_iscsi.hpp"

namespace vbs::lvm {
using plugin::Call;
using plugin::Error;
using plugin::SnapshotArgs;

namespace {
void check_group(const std::vector<SnapshotArgs>& list) {
  std::set<std::string> volumes;
  for (const auto& a : list) {
    check_id(a.id, "snapshot id");
    check_id(a.volume_id, "volume id");
    if (!volumes.insert(a.volume_id).second)
      throw Error(VBS_INVALID, "volume " + a.volume_id + " is in this group of snapshots twice");
  }
}

std::vector<std::string> ids_of(const std::vector<SnapshotArgs>& list) {
  std::vector<std::string> ids;
  for (const auto& a : list) ids.insert(ids.end(), {a.id, a.volume_id});
  return ids;
}

// The snapshot, if it was taken already.
const Lv* taken(const View& view, const SnapshotArgs& a) {
  const auto* done = view.newest_done(a.id);
  if (done && (done->record.kind != VBS_KIND_SNAPSHOT || done->record.source_id != a.volume_id))
    throw Error(VBS_CONFLICT, a.id + " exists and is no snapshot of volume " + a.volume_id +
                                  (done->record.source_id.empty() ? "" : " but of " + done->record.source_id));
  return done;
}
}  // namespace

void LvmStorage::snapshot_prepare(Call& call, const std::vector<SnapshotArgs>& list) {
  check_group(list);
  const auto view = group_.look(call, ids_of(list));
  uint64_t more_bytes = 0;
  for (const auto& a : list) {
    if (taken(view, a)) continue;
    const Lv& volume = published(view, VBS_KIND_VOLUME, a.volume_id, a.volume_refs);
    if (!config_.thin() && a.in_use)
      throw Error(VBS_CONFLICT,
                  "volume " + a.volume_id +
                      " is in use, and provisioning is thick, where a snapshot copies all data: detach it "
                      "first, or use a thin back-end");
    if (!config_.thin()) refuse_open(volume);
    more_bytes += volume.size_bytes;
  }
  if (more_bytes != 0) require_room(call, view, more_bytes);
}

void LvmStorage::snapshot_take(Call& call, const std::vector<SnapshotArgs>& list) {
  check_group(list);
  const Working working(*this, ids_of(list));
  const auto view = group_.look(call, ids_of(list));
  for (const auto& a : list)
    published(view, VBS_KIND_VOLUME, a.volume_id, a.volume_refs);  // all, before the first is taken
  for (const auto& a : list) {
    if (const auto* done = taken(view, a)) {
      answer(call, *done);
      continue;
    }
    const Lv& volume = published(view, VBS_KIND_VOLUME, a.volume_id, a.volume_refs);
    Record r;
    r.kind = VBS_KIND_SNAPSHOT;
    r.id = a.id;
    r.asked_bytes = volume.size_bytes;
    r.source_kind = VBS_KIND_VOLUME;
    r.source_id = a.volume_id;
    r.facts = a.facts;
    make(call, view, std::move(r), volume.size_bytes, &volume);
  }
}

void LvmStorage::snapshot_finish(Call& call, const std::vector<SnapshotArgs>& list, bool commit) {
  check_group(list);
  const auto view = group_.look(call, ids_of(list));
  if (commit) return;
  std::vector<const Lv*> undone;
  for (const auto& a : list)
    for (const auto& lv : view.lvs)
      if (lv.record.id == a.id && lv.record.kind == VBS_KIND_SNAPSHOT && lv.record.source_id == a.volume_id)
        undone.push_back(&lv);
  remove_all(call, undone);
}

}  // namespace vbs::lvm
