// SPDX-License-Identifier: MIT
//
// What `lvs` and `vgs` print with --reportformat json --units b --nosuffix, as values. Pure functions. All values are
// strings there, tags joined with commas, absent ones empty. Errors: nullopt for text that is no whole report (the host
// keeps 1 MiB of an output, so a very long one is cut off).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vbs::lvm {

// Fields to ask for.
constexpr const char* kLvFields =
    "vg_tags,vg_free,vg_size,vg_extent_size,lv_name,lv_size,lv_tags,lv_active,lv_device_open,segtype,pool_lv,"
    "data_percent,metadata_percent,zero";
constexpr const char* kVgFields = "vg_tags,vg_free,vg_size,vg_extent_size";

struct GroupRow {
  std::vector<std::string> tags;
  uint64_t free_bytes = 0, size_bytes = 0, extent_bytes = 0;
};

struct LvRow {
  GroupRow group;
  std::string name, segment_type, pool;
  std::vector<std::string> tags;
  uint64_t size_bytes = 0;
  bool active = false;                            // it has a device
  bool open = false;                              // something uses that device
  double data_percent = 0, metadata_percent = 0;  // of a pool; data also of a thin volume: of its own size
  bool zeroes = false;                            // of a pool: new blocks read as zeros
};

std::optional<std::vector<LvRow>> parse_lvs(std::string_view json);
std::optional<std::vector<GroupRow>> parse_vgs(std::string_view json);

}  // namespace vbs::lvm
