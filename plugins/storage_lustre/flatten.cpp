// SPDX-License-Identifier: MIT
//
// flatten: the volume keeps its bytes and rests on no layer any more. Nobody uses it: all that its chain holds is
// copied into a new raw file, VOLUME.FLATTEN.EPOCH.raw. A guest writes to it: its QEMU has moved all into the active
// file by a block job, whose last act is to take the backing file out of that file's header. That alone proves nothing:
// QEMU 7.2 writes the header at once, but keeps the tables that say where the moved data is in memory until the next
// flush, and a power cut before it would leave holes. So the file on disk must account for all data of the chain. The
// files under the volume stay until the core has committed the change and hands those that nobody needs to discard();
// an older sidecar stays with them, so that a flatten that is undone leaves the volume whole.
#include <algorithm>

#include "json.hpp"
#include "qcow2.hpp"
#include "storage_lustre.hpp"

namespace vbs::lustre {
using plugin::Call;
using plugin::Error;

namespace {
// A piece whose map fits into the 1 MiB that the host keeps of an output: 64 KiB a cluster, 150 bytes a line.
constexpr uint64_t kMapWindow = 256ull << 20;

// Ranges, in order: with data; or, `written`, all that the file itself says something about, zeros as well.
std::vector<std::pair<uint64_t, uint64_t>> ranges(const plugin::Host& host, Call& call, const std::string& path,
                                                  const std::string& format, uint64_t at, uint64_t length,
                                                  bool written) {
  const auto answer =
      host.run(call, "qemu_img_map_shared",
               {{"path", path}, {"format", format}, {"start", std::to_string(at)}, {"length", std::to_string(length)}});
  const auto d = parse_object("{\"map\":" + answer.out + "}");
  const auto bad = [] {
    return Error(VBS_INTERNAL, "qemu-img map does not answer as QEMU 7 does; check the pattern qemu_img_map_shared");
  };
  if (!d || !(*d)["map"].IsArray()) throw bad();
  std::vector<std::pair<uint64_t, uint64_t>> out;
  for (const auto& e : (*d)["map"].GetArray()) {
    const auto start = number_of(e, "start"), bytes = number_of(e, "length");
    const auto* flag = member(e, written ? "present" : "data");
    if (!start || !bytes || !flag || !flag->IsBool()) throw bad();
    if (!flag->GetBool()) continue;
    if (!out.empty() && out.back().second == *start) {
      out.back().second += *bytes;
    } else {
      out.emplace_back(*start, *start + *bytes);
    }
  }
  return out;
}
}  // namespace

// Whether the active file, as it lies on disk, says something about every range where the chain under it has data.
bool LustreStorage::accounts_for_chain(Call& call, const File& dir, const Record& volume) {
  const auto& under = volume.chain.front();
  for (uint64_t at = 0; at < volume.size_bytes; at += kMapWindow) {
    call.check();
    const auto length = std::min(kMapWindow, volume.size_bytes - at);
    const auto own = ranges(host_, call, dir.path_of(volume.file), format_of(volume.file), at, length, true);
    auto have = own.begin();
    // A volume that was extended is larger than what it rests on.
    const auto status = files_->status(dir, under);
    if (format_of(under) == "raw" && (!status || status->size_bytes <= at)) return status.has_value();
    for (const auto& [from, to] : ranges(host_, call, dir.path_of(under), format_of(under), at, length, false)) {
      while (have != own.end() && have->second <= from) ++have;
      if (have == own.end() || have->first > from || have->second < to) return false;
    }
  }
  return true;
}

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
  const auto header = read_qcow2_header(*files_, *files_->open_read(dir, volume.file));
  if (header && header->backing.empty() && !accounts_for_chain(call, dir, volume))
    throw Error(VBS_CONFLICT, "the power went right after QEMU had flattened " + dir.path_of(volume.file) +
                                  ", and its header names no backing file though it needs " + volume.chain.front() +
                                  ": 'qemu-img rebase -u' with that and its format restores the header");
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
  if (!accounts_for_chain(call, dir, volume))
    throw Error(VBS_BUSY, "QEMU has moved all data of volume " + volume.id + " into " + file->path() +
                              ", but has not yet written down where: it does with the next flush of the guest ('sync' "
                              "in it)");
  files_->sync(*file);
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
