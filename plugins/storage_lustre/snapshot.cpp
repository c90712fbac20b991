// SPDX-License-Identifier: MIT
//
// Snapshots. By reflink or copy the snapshot gets a file of its own and the volume stays as it is. By overlay the
// volume's file is frozen and becomes the snapshot's layer, and the volume goes on in an overlay that `prepare` made:
// VOLUME.SNAPSHOT.EPOCH.qcow2, so that no two snapshots, nor two attempts at one, ever meet in a file.
//
// While a guest has the volume, `prepare` also answers the volume as `take` will leave it: the core has the guest's
// hypervisor go over to that overlay in between. From then on the overlay holds the guest's newest data, and only take
// may follow.
//
// What tells that a snapshot was taken is its own sidecar, written last. Prepare and take then only answer again.
#include <algorithm>
#include <utility>

#include "storage_lustre.hpp"

namespace vbs::lustre {
using plugin::Call;
using plugin::Error;
using plugin::SnapshotArgs;

namespace {
constexpr uint64_t kOverlayBytes = 1u << 20;

// One entry per volume: refs move on once in a call.
void check_group(const std::vector<SnapshotArgs>& list) {
  for (auto a = list.begin(); a != list.end(); ++a) {
    check_id(a->id, "snapshot id");
    check_id(a->volume_id, "volume id");
    for (auto b = list.begin(); b != a; ++b)
      if (a->id == b->id || a->volume_id == b->volume_id)
        throw Error(VBS_INVALID, "volume " + a->volume_id + " or snapshot " + a->id + " is named twice in one group");
  }
}

// The volume in its new active file, the former one frozen under it.
Record moved_to(Record volume, const std::string& overlay) {
  ++volume.generation;
  volume.chain.insert(volume.chain.begin(), std::exchange(volume.file, overlay));
  return volume;
}

// A copy of what a guest changes meanwhile would be of no instant at all.
void refuse_copy_in_use(const SnapshotArgs& a, const Record& volume, Method method) {
  if (!a.in_use || method != Method::copy) return;
  throw Error(VBS_CONFLICT,
              "volume " + a.volume_id + " is in use, and its snapshot would be a copy of all its data" +
                  (volume.chain.empty() ? ", for this back-end has neither reflinks nor overlays (snapshot_method)"
                                        : ", for it rests on " + std::to_string(volume.chain.size()) +
                                              " layers and the limit is " + std::to_string(kMaxChain)) +
                  ": detach it first");
}
}  // namespace

// The snapshot as it was taken before, and the volume as that left it, if it changed; nullopt: it was not taken.
std::optional<LustreStorage::Taken> LustreStorage::taken(const File& dir, const SnapshotArgs& a) {
  auto done = sidecars_.newest(dir, a.id);
  if (!done) return std::nullopt;
  const Record& r = done->record;
  if (r.kind != VBS_KIND_SNAPSHOT || r.source_id != a.volume_id)
    throw Error(VBS_CONFLICT, a.id + " exists already and is not a snapshot of volume " + a.volume_id);
  if (parse_name(r.file)->owner == a.id) return Taken{std::move(*done), std::nullopt};  // a file of its own
  auto moved = sidecars_.newest(dir, a.volume_id);
  if (!moved || moved->record.file == r.file) return std::nullopt;
  return Taken{std::move(*done), std::move(moved)};
}

std::string LustreStorage::prepared_overlay(const std::string& volume, const std::string& snapshot) const {
  std::optional<FileName> best;
  for (const auto& name : index_.owned_by(volume))
    if (name.is_image() && name.by == snapshot && (!best || name.epoch > best->epoch)) best = name;
  return best ? best->text() : "";
}

void LustreStorage::snapshot_prepare(Call& call, const std::vector<SnapshotArgs>& list) {
  check_group(list);
  const File dir = root_.enter();
  for (const auto& a : list) {
    const Working working(index_, a.id, a.volume_id);
    if (const auto before = taken(dir, a)) {
      if (a.in_use && before->volume) add(call, object(dir, before->volume->record, false));
      continue;
    }
    const Record volume = published(dir, VBS_KIND_VOLUME, a.volume_id, a.volume_refs);
    const Method method = method_for(call, volume);
    refuse_copy_in_use(a, volume, method);
    if (!a.in_use && method != Method::reflink) refuse_writer(dir, volume);
    sweep(dir, volume, a.id);
    discard_attempts(call, dir, a.id);
    for (const auto& name : index_.owned_by(a.volume_id)) {
      if (!name.is_image() || name.by != a.id || volume.uses(name.text())) continue;
      if (name.epoch > call.epoch())
        throw Error(VBS_STALE, "snapshot " + a.id + ": attempt " + std::to_string(name.epoch) + " has prepared it");
      erase(dir, name.text());
    }
    uint64_t write_bytes = method == Method::overlay ? kOverlayBytes : 0;
    if (method == Method::copy) write_bytes = allocated(dir, volume);
    Promise promise(*space_, index_, call, dir, config_.striping, a.id, volume.size_bytes, write_bytes);
    if (method == Method::overlay) {
      Attempt attempt(*files_, index_, call, dir);
      const auto name = overlay_name(volume.id, a.id, call.epoch());
      images_->overlay(call, attempt, dir, name, volume.file, volume.size_bytes, config_.striping);
      sync_names(dir);
      attempt.keep();
      if (a.in_use) add(call, object(dir, moved_to(volume, name), false));
    }
    promise.keep();
  }
}

void LustreStorage::snapshot_take(Call& call, const std::vector<SnapshotArgs>& list) {
  check_group(list);
  const File dir = root_.enter();
  Attempt attempt(*files_, index_, call, dir);
  std::vector<std::unique_ptr<Working>> working;
  std::vector<File> files;
  struct Result {
    Record snapshot;
    std::optional<Record> volume;
    bool is_new = false;
  };
  std::vector<Result> results;
  // The data of all first, close together in time; what makes it durable follows.
  for (const auto& a : list) {
    working.push_back(std::make_unique<Working>(index_, a.id, a.volume_id));
    Result& result = results.emplace_back();
    if (const auto before = taken(dir, a)) {
      result.snapshot = before->snapshot.record;
      std::vector<std::string> names{result.snapshot.file, before->snapshot.name.text()};
      if (before->volume) {
        result.volume = before->volume->record;
        names.insert(names.end(), {result.volume->file, before->volume->name.text()});
      }
      sync_again(dir, names);  // whoever took it may have been killed before its syncs
      continue;
    }
    result.is_new = true;
    const Record volume = with_sidecar(dir, published(dir, VBS_KIND_VOLUME, a.volume_id, a.volume_refs));
    const Method method = method_for(call, volume);
    refuse_copy_in_use(a, volume, method);
    if (!a.in_use && method != Method::reflink) refuse_writer(dir, volume);
    Record& s = result.snapshot;
    s.kind = VBS_KIND_SNAPSHOT;
    s.id = a.id;
    s.size_bytes = s.asked_bytes = volume.size_bytes;
    s.source_kind = VBS_KIND_VOLUME;
    s.source_id = volume.id;
    s.facts = a.facts;
    discard_attempts(call, dir, a.id);
    if (method == Method::reflink) {
      const auto type = format_of(volume.file) == "raw" ? FileName::Type::raw : FileName::Type::qcow2;
      s.file = image_name(a.id, call.epoch(), type);
      s.chain = volume.chain;
      files.push_back(images_->clone(call, attempt, dir, s.file, volume, volume.size_bytes, config_.striping));
    } else if (method == Method::copy) {
      s.file = image_name(a.id, call.epoch(), FileName::Type::raw);
      files.push_back(images_->copy(call, attempt, dir, s.file, volume, volume.size_bytes, config_.striping));
    } else {
      const auto overlay = prepared_overlay(a.volume_id, a.id);
      if (overlay.empty())
        throw Error(VBS_INVALID, "snapshot " + a.id + " was not prepared: snapshot_prepare comes before snapshot_take");
      sweep(dir, volume, a.id);
      s.file = volume.file;
      s.chain = volume.chain;
      result.volume = moved_to(volume, overlay);
    }
  }
  for (auto& file : files) files_->sync(file);
  std::vector<File> sidecars;
  for (const auto& r : results)
    if (r.is_new && r.volume) sidecars.push_back(sidecars_.put(attempt, dir, *r.volume, call.epoch()));
  for (const auto& r : results)
    if (r.is_new) sidecars.push_back(sidecars_.put(attempt, dir, r.snapshot, call.epoch()));
  std::vector<File*> to_sync;
  for (auto& file : sidecars) to_sync.push_back(&file);
  sync_all(dir, to_sync);
  for (const auto& r : results) {
    std::vector<const Record*> objects{&r.snapshot};
    if (r.volume) objects.push_back(&*r.volume);
    index_.promise(r.snapshot.id, r.snapshot.size_bytes,
                   UINT64_MAX);  // prepare asked; another process may have done it
    // The snapshot's own file is a new layer, or the volume's new one is.
    add_change(call, dir, objects, {r.volume ? &*r.volume : &r.snapshot});
  }
  attempt.keep();
}

void LustreStorage::snapshot_finish(Call&, const std::vector<SnapshotArgs>& list, bool commit) {
  check_group(list);
  const File dir = root_.enter();
  for (const auto& a : list) {
    const Working working(index_, a.id, a.volume_id);
    finish_one(dir, a, commit);
  }
  sync_names(dir);
}

void LustreStorage::finish_one(const File& dir, const SnapshotArgs& a, bool commit) {
  const Record before = parse_refs(VBS_KIND_VOLUME, a.volume_id, a.volume_refs);
  const auto done = taken(dir, a);
  if (commit && !done) return;  // nothing of it is here any more
  const Record* const moved = done && done->volume ? &done->volume->record : nullptr;
  const auto keep = [&](const FileName& name) {
    const auto text = name.text();
    if (before.uses(text)) return true;
    return commit && (done->snapshot.record.uses(text) || (moved && moved->uses(text)));
  };
  // Sidecars first, so that a crash in between leaves files without a name, never a name without its file.
  for (const auto& name : index_.owned_by(a.id))
    if (!name.is_image() && !commit) erase(dir, name.text());
  for (const auto& name : index_.owned_by(a.volume_id)) {
    if (name.is_image()) continue;
    const bool superseded = commit && moved && name.generation < moved->generation;
    const auto record = !commit && name.generation > before.generation ? sidecars_.read(dir, name) : std::nullopt;
    const auto file = record ? parse_name(record->file) : std::nullopt;
    if (superseded || (file && file->by == a.id && !before.uses(record->file))) erase(dir, name.text());
  }
  for (const auto& owner : {a.id, a.volume_id})
    for (const auto& name : index_.owned_by(owner)) {
      const bool of_snapshot = owner == a.id || name.by == a.id;
      if (name.is_image() && of_snapshot && !keep(name) && !index_.is_used(name.text())) erase(dir, name.text());
    }
  if (!commit) index_.promise(a.id, 0, UINT64_MAX);
}

}  // namespace vbs::lustre
