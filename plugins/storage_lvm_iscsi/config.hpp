// SPDX-License-Identifier: MIT
//
// The back-end's configuration, read from the JSON object that open() is given. The host has checked keys and types
// against the manifest; what belongs to the plugin alone (names, portals, combinations) is checked here.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vbs::lvm {

enum class Provisioning { thin, thick };
enum class TargetKind { lio, tgt };

struct Config {
  std::string group;
  Provisioning provisioning = Provisioning::thin;
  std::string pool;  // of thin
  unsigned reserve_percent = 5;
  double over_commit_ratio = 10;
  TargetKind target = TargetKind::lio;
  std::string iqn_prefix;
  std::vector<std::string> portals;  // "10.0.0.1:3260", "[fd00::1]:3260"
  std::string lio_root = "/sys/kernel/config/target";

  bool thin() const { return provisioning == Provisioning::thin; }
  std::string device(const std::string& lv) const { return "/dev/" + group + "/" + lv; }
};

// Throws Error(VBS_INVALID) naming key, value and limit.
Config read_config(std::string_view json);

// "A:PORT, [B]:PORT" -> each. Throws as above.
std::vector<std::string> read_portals(std::string_view text);

}  // namespace vbs::lvm
