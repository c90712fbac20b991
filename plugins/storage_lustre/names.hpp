// SPDX-License-Identifier: MIT
//
// The file names under ROOT/images. Each carries the attempt (epoch) that made it, so two attempts never meet in one
// file.
//
//   OWNER.EPOCH.raw | OWNER.EPOCH.qcow2     data of a volume or snapshot
//   OWNER.BY.EPOCH.qcow2 | OWNER.BY.EPOCH.raw
//                                           the new active file of volume OWNER, made for snapshot, clone, revert or
//                                           flatten BY
//   OWNER.GENERATION.EPOCH.json             sidecar of OWNER; the highest generation is the newest
//
// OWNER and BY are UUIDs in lower case. Whatever does not read so exactly is not ours and is never touched.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vbs::lustre {

struct FileName {
  enum class Type { raw, qcow2, sidecar };
  Type type = Type::raw;
  std::string owner;
  std::string by;           // of a file that OWNER went over to; else empty
  uint64_t generation = 0;  // of a sidecar
  uint64_t epoch = 0;

  bool is_image() const { return type != Type::sidecar; }
  std::string text() const;
};

std::optional<FileName> parse_name(std::string_view text);

bool is_uuid(std::string_view text);

// "raw" or "qcow2" by the name, which is where the format is recorded: the content is a guest's and proves nothing.
std::string format_of(std::string_view image_name);

inline std::string image_name(const std::string& owner, uint64_t epoch, FileName::Type type) {
  return FileName{type, owner, "", 0, epoch}.text();
}
inline std::string overlay_name(const std::string& owner, const std::string& by, uint64_t epoch) {
  return FileName{FileName::Type::qcow2, owner, by, 0, epoch}.text();
}
inline std::string sidecar_name(const std::string& owner, uint64_t generation, uint64_t epoch) {
  return FileName{FileName::Type::sidecar, owner, "", generation, epoch}.text();
}

}  // namespace vbs::lustre
