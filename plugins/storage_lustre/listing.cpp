// SPDX-License-Identifier: MIT
//
// list and inspect: what is on disk, whatever the index believes.
//
// A file is accounted for if a whole sidecar whose data is there names it, as top or further down: so a hidden layer
// (its own object gone, others standing on it) needs no sidecar. What is not accounted for and reads as one of our
// names is left over. Names that are not ours are nobody's business.
#include <algorithm>
#include <map>

#include "qcow2.hpp"
#include "storage_lustre.hpp"

namespace vbs::lustre {
using plugin::Call;
using plugin::Error;

LustreStorage::Inventory LustreStorage::look(const File& dir) {
  Inventory out;
  std::map<std::string, std::vector<std::pair<FileName, Record>>> by_id;
  for (const auto& name : files_->names(dir)) {
    const auto parsed = parse_name(name);
    if (!parsed) continue;
    index_.add(name);
    out.names.push_back(name);
    if (parsed->is_image()) continue;
    auto record = sidecars_.read(dir, *parsed);
    if (!record || !sidecars_.data_is_there(dir, *record)) continue;
    index_.add_sidecar(name, *record);
    out.good_sidecars.insert(name);
    out.used_images.insert(record->file);
    out.used_images.insert(record->chain.begin(), record->chain.end());
    by_id[record->id].emplace_back(*parsed, std::move(*record));
  }
  for (auto& [id, sidecars] : by_id)
    out.newest.push_back(
        std::move(*std::max_element(sidecars.begin(), sidecars.end(), [](const auto& a, const auto& b) {
          return std::pair(a.first.generation, a.first.epoch) < std::pair(b.first.generation, b.first.epoch);
        })));
  return out;
}

void LustreStorage::list(Call& call) {
  const File dir = root_.enter();
  const auto found = look(dir);
  std::set<std::string> layers;
  for (const auto& [name, record] : found.newest) {
    add(call, object(dir, record, true));
    // Two records never disagree on what lies under a file: it is frozen since it has something on it.
    for (size_t i = 0; i <= record.chain.size(); ++i) {
      const auto& file = i == 0 ? record.file : record.chain[i - 1];
      if (!layers.insert(file).second) continue;
      const auto status = files_->status(dir, file);
      add(call, plugin::Layer{file, i < record.chain.size() ? record.chain[i] : "", format_of(file),
                              status ? status->allocated_bytes : 0});
    }
  }
  for (const auto& name : found.names) {
    if (found.good_sidecars.count(name) != 0 || found.used_images.count(name) != 0) continue;
    const auto parsed = *parse_name(name);
    // A call that ran while the directory was read may have completed or removed it: asked in this order, nothing slips
    // by.
    if (index_.is_worked_on(parsed.owner) || index_.is_worked_on(parsed.by) || index_.is_used(name)) continue;
    if (const auto record = parsed.is_image() ? std::nullopt : sidecars_.read(dir, parsed);
        record && sidecars_.data_is_there(dir, *record))
      continue;
    const auto status = files_->status(dir, name);
    if (!status) {
      index_.forget(name);
      continue;
    }
    add(call, plugin::Leftover{name, parsed.by.empty() ? parsed.owner : parsed.by, status->allocated_bytes});
  }
}

plugin::Object LustreStorage::inspect(Call&, const plugin::ObjectRef& a) {
  check_id(a.id, "id");
  const File dir = root_.enter();
  Record record;
  if (a.refs.empty()) {
    auto newest = sidecars_.newest(dir, a.id);
    if (!newest || newest->record.kind != a.kind)
      throw Error(VBS_NOT_FOUND, "back-end root " + root_.path() + " has nothing complete of " + a.id);
    record = std::move(newest->record);
  } else {
    record = with_sidecar(dir, published(dir, a.kind, a.id, a.refs));
  }
  plugin::Object o = object(dir, record, true);
  // The size as it is, which after an interrupted extend is not the one in the refs.
  if (o.format == "raw") {
    if (const auto status = files_->status(dir, record.file)) o.size_bytes = status->size_bytes / 512 * 512;
  } else if (const auto file = files_->open_read(dir, record.file)) {
    const auto header = read_qcow2_header(*files_, *file);
    if (!header)
      throw Error(VBS_INTERNAL, file->path() + " is damaged: it has no qcow2 header; look at it with `qemu-img check`");
    o.size_bytes = header->size_bytes;
  }
  return o;
}

}  // namespace vbs::lustre
