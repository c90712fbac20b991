// SPDX-License-Identifier: MIT
//
// What the plugin knows of one object. In short form it is the object's refs (kept by the core), in full its sidecar
// (kept beside the data, enough to rebuild the store). Refs alone suffice for every call; sidecars serve list, inspect
// and repeated calls.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vbs::lustre {

// Files under one volume at most. 32 names of at most 98 bytes fit into the 4096 bytes that refs may have.
constexpr size_t kMaxChain = 32;

struct Record {
  uint32_t kind = 0;  // VBS_KIND_*
  std::string id;
  uint64_t generation = 1;         // grows with every change; the sidecar's name carries it
  uint64_t size_bytes = 0;         // what a guest sees
  std::string file;                // top layer
  std::vector<std::string> chain;  // the layers under it, nearest first

  // Only in the sidecar.
  uint64_t asked_bytes = 0;  // size that create was called with: a repeated call is known by it
  uint32_t source_kind = 0;
  std::string source_id;
  std::string facts = "{}";

  bool uses(std::string_view name) const;
};

std::string refs_text(const Record& record);
std::string sidecar_text(const Record& record);

// Throws Error(VBS_INVALID) for refs that this plugin did not write.
Record parse_refs(uint32_t kind, const std::string& id, std::string_view refs);
// nullopt: not whole, as after a crash while it was written, or not a sidecar at all.
std::optional<Record> parse_sidecar(std::string_view text);

}  // namespace vbs::lustre
