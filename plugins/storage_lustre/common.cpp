// SPDX-License-Identifier: MIT
//
// What several calls share.
#include "storage_lustre.hpp"
#include "vbs/plugin/json.hpp"

namespace vbs::lustre {
using plugin::Call;
using plugin::Error;

void check_id(const std::string& id, const char* what) {
  if (!is_uuid(id)) throw Error(VBS_INVALID, std::string(what) + " '" + id + "' is not a UUID in lower case");
}

void check_size(uint64_t size_bytes) {
  constexpr uint64_t kSector = 512;
  if (size_bytes == 0 || size_bytes % kSector != 0 || size_bytes > INT64_MAX)
    throw Error(VBS_INVALID, "size_bytes is " + std::to_string(size_bytes) + "; a multiple of 512 above 0 is needed");
}

Method LustreStorage::method_for(Call& call, const Record& from) const {
  if (method_ != Method::overlay || from.chain.size() + 1 < kMaxChain) return method_;
  call.log(VBS_LOG_WARNING, from.id + " rests on " + std::to_string(from.chain.size()) + " layers, the limit is " +
                                std::to_string(kMaxChain) + ": its data is copied into a file of its own");
  return Method::copy;
}

Record LustreStorage::with_sidecar(const File& dir, Record record) {
  if (auto newest = sidecars_.newest(dir, record.id, record.generation)) {
    record.asked_bytes = newest->record.asked_bytes;
    record.source_kind = newest->record.source_kind;
    record.source_id = newest->record.source_id;
    record.facts = newest->record.facts;
  }
  return record;
}

void LustreStorage::sweep(const File& dir, const Record& record, const std::string& keep_by) {
  std::vector<std::string> overlays;
  for (const auto& name : index_.owned_by(record.id)) {
    if (!name.is_image()) {
      if (name.generation <= record.generation) continue;
      // A newer generation made for an object that exists: then these refs are old, and what they lead to may hold
      // data.
      const auto newer = sidecars_.read(dir, name);
      const auto made_for = newer ? parse_name(newer->file) : std::nullopt;
      if (newer && made_for && newer->file != record.file && made_for->by != keep_by &&
          sidecars_.newest(dir, made_for->by))
        throw Error(VBS_STALE, "volume " + record.id + " has moved to " + newer->file + " for " + made_for->by +
                                   " since these refs were written: finish or undo that first (reconcile shows it)");
      erase(dir, name.text());
    } else if (!name.by.empty() && name.by != keep_by && !record.uses(name.text())) {
      overlays.push_back(name.text());
    }
  }
  for (const auto& name : overlays)
    if (!index_.is_used(name)) erase(dir, name);
}

void LustreStorage::discard_attempts(Call& call, const File& dir, const std::string& id) {
  const auto names = index_.owned_by(id);
  for (const auto& name : names)
    if (name.epoch > call.epoch())
      throw Error(VBS_STALE, id + ": attempt " + std::to_string(name.epoch) + " has worked on it, this is attempt " +
                                 std::to_string(call.epoch()));
  for (const auto& name : names)
    if (!name.is_image()) erase(dir, name.text());
  for (const auto& name : names) {
    if (!name.is_image()) continue;
    if (index_.is_used(name.text()))
      throw Error(VBS_CONFLICT, "id " + id + " was used before, and its file " + name.text() +
                                    " still carries other objects: take a new id");
    erase(dir, name.text());
  }
}

void LustreStorage::erase(const File& dir, const std::string& name) {
  files_->remove(dir, name);
  index_.forget(name);
}

void LustreStorage::sync_all(const File& dir, const std::vector<File*>& files) {
  for (auto* file : files) files_->sync(*file);
  if (!on_lustre_) files_->sync(dir);  // there the files' syncs, which come after the last name, carry the names
}

void LustreStorage::sync_again(const File& dir, const std::vector<std::string>& names) {
  for (const auto& name : names)
    if (const auto file = files_->open_read(dir, name)) files_->sync(*file);
  sync_names(dir);
}

void LustreStorage::sync_names(const File& dir) {
  if (on_lustre_) {
    root_.sync_through_lock_file();
  } else {
    files_->sync(dir);
  }
}

uint64_t LustreStorage::allocated(const File& dir, const Record& r) {
  uint64_t sum = 0;
  auto names = r.chain;
  names.push_back(r.file);
  for (const auto& name : names)
    if (const auto status = files_->status(dir, name)) sum += status->allocated_bytes;
  return sum;
}

plugin::Object LustreStorage::object(const File& dir, const Record& r, bool with_facts) {
  plugin::Object o;
  o.kind = r.kind;
  o.id = r.id;
  o.refs = refs_text(r);
  o.size_bytes = r.size_bytes;
  if (const auto status = files_->status(dir, r.file)) o.allocated_bytes = status->allocated_bytes;
  o.format = format_of(r.file);
  o.layer = r.file;
  if (with_facts) o.facts = r.facts;
  return o;
}

void LustreStorage::add_change(Call& call, const File& dir, const std::vector<const Record*>& objects,
                               const std::vector<const Record*>& new_layers) {
  for (const auto* r : new_layers) {
    const auto status = files_->status(dir, r->file);
    add(call, plugin::Layer{r->file, r->chain.empty() ? "" : r->chain.front(), format_of(r->file),
                            status ? status->allocated_bytes : 0});
  }
  for (const auto* r : objects) add(call, object(dir, *r, false));
}

std::string LustreStorage::source_data(const Record& r) const {
  std::string out = "\"backing\":[";
  for (size_t i = 0; i < r.chain.size(); ++i)
    out += std::string(i != 0 ? "," : "") + "{\"path\":" + plugin::json_quoted(root_.path() + "/images/" + r.chain[i]) +
           ",\"format\":\"" + format_of(r.chain[i]) + "\"}";
  return out + "]";
}

void LustreStorage::refuse_writer(const File& dir, const Record& r) {
  const auto file = files_->open_read(dir, r.file);
  if (file && files_->has_writer(*file))
    throw Error(VBS_BUSY, "volume " + r.id + " is open for writing in a QEMU that VBS did not attach it to (" +
                              file->path() + "): `lslocks` on the node that runs it shows which; end it first");
}

Record LustreStorage::published(const File& dir, uint32_t kind, const std::string& id, const std::string& refs) {
  check_id(id, kind == VBS_KIND_SNAPSHOT ? "snapshot id" : "volume id");
  auto record = parse_refs(kind, id, refs);
  if (!files_->status(dir, record.file))
    throw Error(VBS_NOT_FOUND, "the file " + record.file + " of " + id + " is not in " + dir.path() +
                                   ": its data is lost, or was moved away; reconcile shows what is there");
  return record;
}

}  // namespace vbs::lustre
