// SPDX-License-Identifier: MIT
//
// flatten: the volume keeps its bytes and rests on no layer any more. Nobody uses it: all that its chain holds is
// copied into a new raw file, VOLUME.FLATTEN.EPOCH.raw. A guest writes to it: its QEMU has moved all into the active
// file by a block job, whose last act is to take the backing file out of that file's header; that is what tells here
// that it is done. The files under the volume stay until the core has committed the change and hands those that nobody
// needs to discard(); an older sidecar stays with them, so that a flatten that is undone leaves the volume whole.
#include "qcow2.hpp"
#include "storage_lustre.hpp"

namespace vbs::lustre {
using plugin::Call;
using plugin::Error;

// What an earlier attempt at this flatten came to, whole: its data was synced before its sidecar was written.
std::optional<Sidecar> LustreStorage::flattened(const File& dir, const plugin::FlattenArgs& a, const Record& volume) {
  auto newest = sidecars_.newest(dir, volume.id);
  if (!newest || newest->record.generation != volume.generation + 1 || !newest->record.chain.empty())
    return std::nullopt;
  const bool its_own = a.in_use ? newest->record.file == volume.file : parse_name(newest->record.file)->by == a.id;
  return its_own ? std::move(newest) : std::nullopt;
}

void LustreStorage::flatten(Call& call, const plugin::FlattenArgs& a) {
  check_id(a.id, "id of the flatten");
  const File dir = root_.enter();
  const Working working(index_, a.id, a.volume_id);
  const Record volume = with_sidecar(dir, published(dir, VBS_KIND_VOLUME, a.volume_id, a.volume_refs));
  if (volume.chain.empty()) return add_change(call, dir, {&volume}, {&volume});
  for (const auto& name : index_.owned_by(volume.id))
    if (name.by == a.id && name.epoch > call.epoch())
      throw Error(VBS_STALE, "flatten " + a.id + ": attempt " + std::to_string(name.epoch) + " has worked on it");
  if (const auto done = flattened(dir, a, volume)) {
    sync_again(dir, {done->record.file, done->name.text()});
    return add_change(call, dir, {&done->record}, {&done->record});
  }
  a.in_use ? record_streamed(call, dir, volume) : copy_chain(call, dir, a.id, volume);
}

void LustreStorage::copy_chain(Call& call, const File& dir, const std::string& id, const Record& volume) {
  refuse_writer(dir, volume);
  sweep(dir, volume, "");
  Record next = volume;
  ++next.generation;
  next.file = FileName{FileName::Type::raw, volume.id, id, 0, call.epoch()}.text();
  next.chain.clear();
  Promise promise(*space_, index_, call, dir, config_.striping, volume.id, next.size_bytes, allocated(dir, volume));
  Attempt attempt(*files_, index_, call, dir);
  images_->copy(call, attempt, dir, next.file, volume, next.size_bytes, config_.striping);
  publish_flat(call, dir, attempt, next);
  promise.keep();
}

void LustreStorage::record_streamed(Call& call, const File& dir, const Record& volume) {
  const auto file = files_->open_read(dir, volume.file);
  const auto header = file ? read_qcow2_header(*files_, *file) : std::nullopt;
  if (!header)
    throw Error(VBS_INTERNAL,
                "the active file " + volume.file + " of volume " + volume.id +
                    " rests on others and has no qcow2 header: compare it with a backup (qemu-img check)");
  if (!header->backing.empty()) {
    // Not yet. A job that filled the file system would stop every guest that writes there, so it must fit beforehand.
    Promise(*space_, index_, call, dir, config_.striping, volume.id, volume.size_bytes, allocated(dir, volume));
    return;
  }
  sweep(dir, volume, "");
  Record next = volume;
  ++next.generation;
  next.chain.clear();
  Attempt attempt(*files_, index_, call, dir);
  publish_flat(call, dir, attempt, next);
}

void LustreStorage::publish_flat(Call& call, const File& dir, Attempt& attempt, const Record& next) {
  File sidecar = sidecars_.put(attempt, dir, next, call.epoch());
  sync_all(dir, {&sidecar});
  add_change(call, dir, {&next}, {&next});
  attempt.keep();
}

}  // namespace vbs::lustre
