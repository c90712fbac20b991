// SPDX-License-Identifier: MIT
//
// revert: the volume goes on in a new file with the snapshot's data, VOLUME.REVERT.EPOCH: an overlay on the snapshot's
// frozen file, or a clone or copy of it. The file that it had stays until the core has committed the change and hands
// it to discard(); an older sidecar stays with it, so that a revert that is undone leaves the volume whole.
#include "storage_lustre.hpp"

namespace vbs::lustre {
using plugin::Call;
using plugin::Error;

void LustreStorage::revert(Call& call, const plugin::SnapshotArgs& a) {
  check_id(a.id, "id of the revert");
  const File dir = root_.enter();
  const Working working(index_, a.id, a.volume_id);
  const Record volume = with_sidecar(dir, published(dir, VBS_KIND_VOLUME, a.volume_id, a.volume_refs));
  const Record snapshot = published(dir, VBS_KIND_SNAPSHOT, a.snapshot_id, a.snapshot_refs);
  if (volume.size_bytes < snapshot.size_bytes)
    throw Error(VBS_INVALID, "snapshot " + snapshot.id + " has " + std::to_string(snapshot.size_bytes) +
                                 " bytes, more than volume " + volume.id + " (" + std::to_string(volume.size_bytes) +
                                 "): it is not one of this volume's");
  for (const auto& name : index_.owned_by(volume.id))
    if (name.by == a.id && name.epoch > call.epoch())
      throw Error(VBS_STALE, "revert " + a.id + ": attempt " + std::to_string(name.epoch) + " has worked on it");
  refuse_writer(dir, volume);
  sweep(dir, volume, "");

  Record next = volume;
  ++next.generation;
  const Method method = method_for(call, snapshot);
  const bool raw = method == Method::copy || (method == Method::reflink && format_of(snapshot.file) == "raw");
  next.file = FileName{raw ? FileName::Type::raw : FileName::Type::qcow2, volume.id, a.id, 0, call.epoch()}.text();
  const uint64_t write_bytes = method == Method::copy ? allocated(dir, snapshot) : 0;
  Promise promise(*space_, index_, call, dir, config_.striping, volume.id, next.size_bytes, write_bytes);
  Attempt attempt(*files_, index_, call, dir);
  if (method == Method::overlay) {
    images_->overlay(call, attempt, dir, next.file, snapshot.file, next.size_bytes, config_.striping);
    next.chain = snapshot.chain;
    next.chain.insert(next.chain.begin(), snapshot.file);
  } else if (method == Method::reflink) {
    const File file = images_->clone(call, attempt, dir, next.file, snapshot, next.size_bytes, config_.striping);
    files_->sync(file);
    next.chain = snapshot.chain;
  } else {
    images_->copy(call, attempt, dir, next.file, snapshot, next.size_bytes, config_.striping);
    next.chain.clear();
  }
  File sidecar = sidecars_.put(attempt, dir, next, call.epoch());
  sync_all(dir, {&sidecar});
  add_change(call, dir, {&next}, {&next});
  attempt.keep();
  promise.keep();
}

}  // namespace vbs::lustre
