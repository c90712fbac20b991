// SPDX-License-Identifier: MIT
#include "storage_lustre.hpp"

namespace vbs::lustre {
using plugin::Call;
using plugin::Error;

void LustreStorage::extend(Call& call, const plugin::ExtendArgs& a) {
  check_size(a.size_bytes);
  const File dir = root_.enter();
  const Working working(index_, a.id);
  Record r = with_sidecar(dir, published(dir, VBS_KIND_VOLUME, a.id, a.refs));
  if (a.size_bytes < r.size_bytes)
    throw Error(VBS_INVALID, "volume " + a.id + " has " + std::to_string(r.size_bytes) +
                                 " bytes and cannot become smaller (" + std::to_string(a.size_bytes) + ")");
  if (a.size_bytes == r.size_bytes) return add_change(call, dir, {&r}, {});
  sweep(dir, r, "");

  ++r.generation;
  r.size_bytes = a.size_bytes;
  Promise promise(*space_, index_, call, dir, config_.striping, a.id, a.size_bytes, 0);
  if (format_of(r.file) == "raw") {
    // In use, too: the guest sees nothing of it before its hypervisor is told.
    const File file = files_->open_write(dir, r.file);
    const auto status = files_->status(dir, r.file);
    // An extend that was given up may have gone further. Data could be there already: it is never cut off again.
    if (status && status->size_bytes > r.size_bytes) r.size_bytes = status->size_bytes / 512 * 512;
    if (status && status->size_bytes < r.size_bytes) files_->truncate(file, r.size_bytes);
    files_->sync(file);
  } else if (!a.in_use) {
    images_->resize_qcow2(call, dir, r.file, r.size_bytes);
  }
  // A qcow2 file in use belongs to the one who has it open: the hypervisor's block_resize grows it.

  Attempt attempt(*files_, index_, call, dir);
  File sidecar = sidecars_.put(attempt, dir, r, call.epoch());
  sync_all(dir, {&sidecar});
  add_change(call, dir, {&r}, {});
  attempt.keep();
  promise.keep();
  // Superseded and durable so; if this is lost in a crash, list() passes over them and the next change removes them.
  for (const auto& name : index_.owned_by(a.id))
    if (!name.is_image() && name.generation < r.generation) erase(dir, name.text());
}

}  // namespace vbs::lustre
