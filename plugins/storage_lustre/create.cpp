// SPDX-License-Identifier: MIT
//
// create: an empty volume, one from a snapshot, or a clone of a volume.
//
// Order on disk: image, then sidecar, then one sync of the directory for both. A crash leaves an image without a
// sidecar, or a sidecar whose image is missing or short; list() takes neither for a volume.
#include <algorithm>

#include "storage_lustre.hpp"

namespace vbs::lustre {
using plugin::Call;
using plugin::CreateArgs;
using plugin::Error;

namespace {
constexpr uint64_t kOverlayBytes = 1u << 20;  // metadata of a fresh overlay, generously
}

void LustreStorage::create(Call& call, const CreateArgs& a) {
  check_id(a.id, "volume id");
  check_size(a.size_bytes);
  const File dir = root_.enter();
  const Working working(index_, a.id, a.source_id);
  if (answer_repeated_create(call, dir, a)) return;
  discard_attempts(call, dir, a.id);
  if (a.source_kind == 0) return create_empty(call, dir, a);
  if (a.source_kind != VBS_KIND_SNAPSHOT && a.source_kind != VBS_KIND_VOLUME)
    throw Error(VBS_INVALID, "source_kind is " + std::to_string(a.source_kind) + "; 0, 1 and 2 are known");
  create_from(call, dir, a);
}

// The same create again, after it had come to its end: the same answer, nothing new. Safe even if the volume was
// published and written since.
bool LustreStorage::answer_repeated_create(Call& call, const File& dir, const CreateArgs& a) {
  const auto done = sidecars_.newest(dir, a.id);
  if (!done) return false;
  const auto& r = done->record;
  if (r.kind != VBS_KIND_VOLUME || r.asked_bytes != a.size_bytes || r.source_kind != a.source_kind ||
      r.source_id != a.source_id)
    throw Error(VBS_CONFLICT, a.id + " exists with other parameters: " + std::to_string(r.asked_bytes) +
                                  " bytes from " + (r.source_id.empty() ? "nothing" : r.source_id) +
                                  ", now asked for " + std::to_string(a.size_bytes) + " bytes from " +
                                  (a.source_id.empty() ? "nothing" : a.source_id));
  std::optional<Sidecar> source;
  if (a.source_kind == VBS_KIND_VOLUME) {
    const auto before = parse_refs(VBS_KIND_VOLUME, a.source_id, a.source_refs);
    // Made by overlay? Then the source moved to a file made for this clone.
    if (!r.chain.empty() && r.chain.front() == before.file) {
      const auto now = sidecars_.newest(dir, a.source_id);
      const auto made_for_it = [&](const std::string& file) { return parse_name(file)->by == a.id; };
      if (now && made_for_it(now->record.file)) {
        source = now;
      } else if (now && std::none_of(now->record.chain.begin(), now->record.chain.end(), made_for_it)) {
        return false;  // the source did not get that far
      }
      // Else the source has moved on since, or is gone: its refs are not this call's any more.
    }
  }
  std::vector<std::string> names{r.file, done->name.text()};
  std::vector<const Record*> changed{&r};
  if (source) {
    names.insert(names.end(), {source->record.file, source->name.text()});
    changed.push_back(&source->record);
  }
  sync_again(dir, names);
  add_change(call, dir, changed, changed);
  return true;
}

Record LustreStorage::new_record(const CreateArgs& a) const {
  Record r;
  r.kind = VBS_KIND_VOLUME;
  r.id = a.id;
  r.size_bytes = r.asked_bytes = a.size_bytes;
  r.source_kind = a.source_kind;
  r.source_id = a.source_id;
  r.facts = a.facts;
  return r;
}

void LustreStorage::create_empty(Call& call, const File& dir, const CreateArgs& a) {
  const auto striping = read_striping(a.options, config_.striping);
  Record r = new_record(a);
  r.file = image_name(a.id, call.epoch(), FileName::Type::raw);
  Promise promise(*space_, index_, call, dir, striping, a.id, a.size_bytes, 0);
  Attempt attempt(*files_, index_, call, dir);
  File file = images_->empty(call, attempt, dir, r.file, a.size_bytes, striping);
  File sidecar = sidecars_.put(attempt, dir, r, call.epoch());
  // The sidecar first: its data makes the journal commit, which takes the image's inode along, and the other syncs find
  // nothing left to do.
  sync_all(dir, {&sidecar, &file});
  add_change(call, dir, {&r}, {&r});
  attempt.keep();
  promise.keep();
}

void LustreStorage::create_from(Call& call, const File& dir, const CreateArgs& a) {
  check_id(a.source_id, "source id");
  const auto striping = read_striping(a.options, config_.striping);
  const Record source = with_sidecar(dir, published(dir, a.source_kind, a.source_id, a.source_refs));
  if (a.size_bytes < source.size_bytes)
    throw Error(VBS_INVALID, "size_bytes is " + std::to_string(a.size_bytes) + ", but the source " + a.source_id +
                                 " has " + std::to_string(source.size_bytes) + ": a copy can only be larger");
  const Method method = method_for(call, source);
  const bool from_volume = a.source_kind == VBS_KIND_VOLUME;
  if (from_volume && a.source_in_use && method != Method::reflink)
    throw Error(VBS_BUSY, "volume " + a.source_id + " is in use, and without reflinks (snapshot_method is " +
                              to_string(method_) + ") its file cannot be shared while a VM writes it: detach it first");
  if (from_volume && method != Method::reflink) refuse_writer(dir, source);
  if (from_volume) sweep(dir, source, a.id);
  for (const auto& name : index_.owned_by(a.source_id))  // overlays that an earlier attempt at this clone made
    if (from_volume && name.is_image() && name.by == a.id && !source.uses(name.text())) erase(dir, name.text());

  Record r = new_record(a);
  uint64_t write_bytes = kOverlayBytes;
  if (method == Method::copy) write_bytes = allocated(dir, source);
  Promise promise(*space_, index_, call, dir, striping, a.id, a.size_bytes, write_bytes);
  Attempt attempt(*files_, index_, call, dir);
  std::vector<File> files;
  std::optional<Record> moved;
  if (method == Method::reflink) {
    r.file =
        image_name(a.id, call.epoch(), format_of(source.file) == "raw" ? FileName::Type::raw : FileName::Type::qcow2);
    r.chain = source.chain;
    files.push_back(images_->clone(call, attempt, dir, r.file, source, a.size_bytes, striping));
    files_->sync(files.back());
  } else if (method == Method::overlay) {
    r.file = image_name(a.id, call.epoch(), FileName::Type::qcow2);
    r.chain = source.chain;
    r.chain.insert(r.chain.begin(), source.file);
    files.push_back(images_->overlay(call, attempt, dir, r.file, source.file, a.size_bytes, striping));
    if (from_volume) {  // the source's file is frozen now, so the source, too, goes on in an overlay
      moved = source;
      ++moved->generation;
      moved->file = overlay_name(source.id, a.id, call.epoch());
      moved->chain = r.chain;
      files.push_back(images_->overlay(call, attempt, dir, moved->file, source.file, source.size_bytes, striping));
      files.push_back(sidecars_.put(attempt, dir, *moved, call.epoch()));
    }
  } else {
    r.file = image_name(a.id, call.epoch(), FileName::Type::raw);
    files.push_back(images_->copy(call, attempt, dir, r.file, source, a.size_bytes, striping));
  }
  files.push_back(sidecars_.put(attempt, dir, r, call.epoch()));  // last: it says that all is there
  std::vector<File*> to_sync;
  for (auto& file : files) to_sync.push_back(&file);
  sync_all(dir, to_sync);
  std::vector<const Record*> changed{&r};
  if (moved) changed.push_back(&*moved);
  add_change(call, dir, changed, changed);
  attempt.keep();
  promise.keep();
}

}  // namespace vbs::lustre
