// SPDX-License-Identifier: MIT
//
// create: an empty volume, one from a snapshot, or a clone of a volume. Thin: LVM makes the volume with all its tags in
// one commit, so there are no halves. Thick: the volume gets its last tag when all its bytes are written.
#include "storage_lvm_iscsi.hpp"

namespace vbs::lvm {
using plugin::Call;
using plugin::Error;

void LvmStorage::create(Call& call, const plugin::CreateArgs& a) {
  check_id(a.id, "volume id");
  check_size(a.size_bytes);
  if (a.source_kind != 0) check_id(a.source_id, "source id");
  if (a.source_kind != 0 && a.source_kind != VBS_KIND_SNAPSHOT && a.source_kind != VBS_KIND_VOLUME)
    throw Error(VBS_INVALID, "source_kind is " + std::to_string(a.source_kind) + "; 0, 1 and 2 are known");
  const Working working(*this, {a.id, a.source_id});
  const auto view = group_.look(call, {a.id, a.source_id});
  // The same create again, after it had come to its end: the same answer, nothing new. Safe even if the volume was
  // published and written since.
  if (const auto* done = view.newest_done(a.id)) {
    const auto& r = done->record;
    if (r.kind != VBS_KIND_VOLUME || r.asked_bytes != a.size_bytes || r.source_kind != a.source_kind ||
        r.source_id != a.source_id)
      throw Error(VBS_CONFLICT, a.id + " exists with other parameters: " + std::to_string(r.asked_bytes) +
                                    " bytes from " + (r.source_id.empty() ? "nothing" : r.source_id) +
                                    ", now asked for " + std::to_string(a.size_bytes) + " bytes from " +
                                    (a.source_id.empty() ? "nothing" : a.source_id));
    return complete(call, view, *done, a.size_bytes);
  }
  const Lv* source = nullptr;
  if (a.source_kind != 0) {
    source = &published(view, a.source_kind, a.source_id, a.source_refs);
    if (a.size_bytes < source->size_bytes)
      throw Error(VBS_INVALID, "size_bytes is " + std::to_string(a.size_bytes) + ", but the source " + a.source_id +
                                   " has " + std::to_string(source->size_bytes) + ": a copy can only be larger");
    if (!config_.thin() && a.source_in_use)
      throw Error(VBS_BUSY,
                  "volume " + a.source_id +
                      " is in use, and provisioning is thick, where a clone copies all data: detach it first, "
                      "or use a thin back-end");
    if (!config_.thin()) refuse_open(*source);
  }
  Record r;
  r.kind = VBS_KIND_VOLUME;
  r.id = a.id;
  r.asked_bytes = a.size_bytes;
  r.source_kind = a.source_kind;
  r.source_id = a.source_id;
  r.facts = a.facts;
  make(call, view, std::move(r), a.size_bytes, source);
}

}  // namespace vbs::lvm
