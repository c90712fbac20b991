// SPDX-License-Identifier: MIT
//
// What VBS knows of a logical volume, as the tags that it carries: enough for list(), for repeated calls and to rebuild
// the core's store. A tag has at most 1024 characters of A-Z a-z 0-9 _ + . - / = ! : & # (lvm(8), TAGS), so facts are
// base64 and may take several. LVM writes all tags of a new volume in the one commit that makes it.
//
//   vbs                          ours
//   vbs.id=UUID  vbs.by=UUID     the object; the revert that made it (only then)
//   vbs.v1=KIND:GENERATION:EPOCH:ASKED-BYTES:SOURCE-KIND:SOURCE-ID
//   vbs.f0=... vbs.f1=...        facts
//   vbs.done                     its content is what was asked for: it may be published
//   vbs.growing=BYTES            thick only: what lies behind these bytes is not wiped yet
//
// The group itself carries vbs.backend=UUID, the marker.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vbs::lvm {

constexpr size_t kMaxTag = 1024;
constexpr size_t kFactsTags = 16;  // as many as the command patterns have places for
constexpr size_t kMaxFactsBytes = kFactsTags * 750;

struct Record {
  uint32_t kind = 0;  // VBS_KIND_*
  std::string id;
  std::string by;           // revert that made it; else empty
  uint64_t generation = 1;  // of two finished volumes of one id the one with the higher is the object
  uint64_t epoch = 1;
  uint64_t asked_bytes = 0;  // size that create was called with: a repeated call is known by it
  uint32_t source_kind = 0;  // 0: none. Of a snapshot: VBS_KIND_VOLUME
  std::string source_id;
  std::string facts = "{}";
  bool done = false;
  std::optional<uint64_t> growing_from_bytes;
};

constexpr const char* kTag = "vbs";
constexpr const char* kDoneTag = "vbs.done";
std::string backend_tag(const std::string& backend_id);
std::string id_tag(const std::string& id);
std::string by_tag(const std::string& id);
std::string growing_tag(uint64_t from_bytes);
std::string record_tag(const Record& r);

// Exactly kFactsTags of them; the ones that are not needed repeat kTag, which LVM adds once. Throws Error(VBS_INVALID)
// for facts that are too long.
std::vector<std::string> facts_tags(const Record& r);

std::optional<std::string> backend_of(const std::vector<std::string>& tags);
// nullopt: not ours, or not whole.
std::optional<Record> record_of(const std::vector<std::string>& tags);

}  // namespace vbs::lvm
