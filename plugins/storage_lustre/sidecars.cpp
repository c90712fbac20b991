// SPDX-License-Identifier: MIT
#include "sidecars.hpp"

#include <algorithm>
#include <tuple>

namespace vbs::lustre {
namespace {
// Facts of 64 KiB, the most that the host hands out, and the record around them.
constexpr size_t kSidecarLimit = 128u << 10;
}  // namespace

File Sidecars::put(Attempt& attempt, const File& dir, const Record& record, uint64_t epoch) {
  const auto name = sidecar_name(record.id, record.generation, epoch);
  for (const auto& known : index_.owned_by(record.id)) {
    if (known.text() != name) continue;
    files_.remove(dir, name);
    index_.forget(name);
  }
  File file = files_.create(dir, name, 0600);
  attempt.made(name);
  files_.write(file, 0, sidecar_text(record));
  index_.add_sidecar(name, record);
  return file;
}

std::optional<Record> Sidecars::read(const File& dir, const FileName& name) {
  const auto file = files_.open_read(dir, name.text());
  if (!file) return std::nullopt;
  auto record = parse_sidecar(files_.read(*file, 0, kSidecarLimit));
  if (!record || record->id != name.owner || record->generation != name.generation) return std::nullopt;
  return record;
}

std::optional<Sidecar> Sidecars::newest(const File& dir, const std::string& id, uint64_t generation_limit) {
  auto names = index_.owned_by(id);
  std::sort(names.begin(), names.end(), [](const FileName& a, const FileName& b) {
    return std::tie(a.generation, a.epoch) > std::tie(b.generation, b.epoch);
  });
  for (const auto& name : names) {
    if (name.is_image() || name.generation > generation_limit) continue;
    if (auto record = read(dir, name); record && data_is_there(dir, *record)) return Sidecar{name, std::move(*record)};
  }
  return std::nullopt;
}

bool Sidecars::data_is_there(const File& dir, const Record& record) {
  const auto status = files_.status(dir, record.file);
  if (!status || !status->regular) return false;
  return format_of(record.file) != "raw" || status->size_bytes >= record.size_bytes;
}

}  // namespace vbs::lustre
