// SPDX-License-Identifier: MIT
//
// Where the bytes are: export (for a host that mounts the same root at the same path), open_data and extents (for the
// core's mover). A plain file has no target: an export grants nothing and costs nothing, read-only is the hypervisor's
// to enforce.
#include <algorithm>

#include "json.hpp"
#include "storage_lustre.hpp"
#include "vbs/plugin/json.hpp"

namespace vbs::lustre {
using plugin::Call;
using plugin::Error;

namespace {
// qemu-img map is asked piece by piece, because its answer must fit into the 1 MiB that the host keeps of an output.
constexpr uint64_t kMapWindow = 4ull << 30;
constexpr uint64_t kSmallestWindow = 16ull << 20;

std::optional<std::vector<plugin::Extent>> parse_map(std::string_view text) {
  const auto d = parse_object("{\"map\":" + std::string(text) + "}");
  if (!d || !(*d)["map"].IsArray()) return std::nullopt;
  std::vector<plugin::Extent> out;
  for (const auto& e : (*d)["map"].GetArray()) {
    if (!e.IsObject()) return std::nullopt;
    const auto start = number_of(e, "start"), length = number_of(e, "length");
    const auto* zero = member(e, "zero");
    if (!start || !length || !zero || !zero->IsBool()) return std::nullopt;
    out.push_back({*start, *length, zero->GetBool()});
  }
  return out;
}
}  // namespace

plugin::Connection LustreStorage::export_object(Call&, const plugin::ExportArgs& a) {
  const File dir = root_.enter();
  const Record r = published(dir, VBS_KIND_VOLUME, a.volume_id, a.volume_refs);
  return {a.read_only, "file", format_of(r.file),
          "{\"path\":" + plugin::json_quoted(dir.path_of(r.file)) + "," + source_data(r) + "}", "{\"v\":1}"};
}

// Nothing to take back, so not even the marker is asked: a detach must not wait for a file system that is away.
void LustreStorage::unexport(Call&, const plugin::ExportArgs&) {}

plugin::Source LustreStorage::open_data(Call&, const plugin::ObjectRef& a, bool read_only) {
  const File dir = root_.enter();
  const Record r = published(dir, a.kind, a.id, a.refs);
  if (!read_only && a.kind == VBS_KIND_SNAPSHOT)
    throw Error(VBS_INVALID, "snapshot " + a.id + " is frozen: open it read-only, or make a volume from it");
  return {"file", format_of(r.file), dir.path_of(r.file), "{" + source_data(r) + "}"};
}

void LustreStorage::extents(Call& call, const plugin::ObjectRef& a, const std::string& since_snapshot_refs) {
  if (!since_snapshot_refs.empty())
    throw Error(VBS_NOT_SUPPORTED, "changes since a snapshot are not known to this plugin: ask for all extents");
  const File dir = root_.enter();
  const Record r = published(dir, a.kind, a.id, a.refs);
  if (format_of(r.file) == "raw") {
    const auto file = files_->open_read(dir, r.file);
    if (!file) throw Error(VBS_NOT_FOUND, "the file " + r.file + " of " + a.id + " is gone");
    for (uint64_t at = 0; at < r.size_bytes;) {
      call.check();
      const uint64_t data = std::min(files_->seek_data(*file, at).value_or(r.size_bytes), r.size_bytes);
      if (data > at) add(call, plugin::Extent{at, data - at, true});
      if (data == r.size_bytes) break;
      at = std::min(files_->seek_hole(*file, data), r.size_bytes);
      add(call, plugin::Extent{data, at - data, false});
    }
    return;
  }
  uint64_t window = kMapWindow;
  for (uint64_t at = 0; at < r.size_bytes;) {
    call.check();
    const uint64_t length = std::min(window, r.size_bytes - at);
    const auto answer = host_.run(call, "qemu_img_map",
                                  {{"path", dir.path_of(r.file)},
                                   {"format", format_of(r.file)},
                                   {"start", std::to_string(at)},
                                   {"length", std::to_string(length)}});
    const auto map = parse_map(answer.out);
    if (!map) {
      if (window <= kSmallestWindow)
        throw Error(VBS_INTERNAL, "qemu-img map does not answer in JSON; check the pattern qemu_img_map");
      window /= 4;  // cut off: fewer at a time
      continue;
    }
    for (const auto& extent : *map) add(call, extent);
    at += length;
  }
}

}  // namespace vbs::lustre
