// SPDX-License-Identifier: MIT
//
// What `tgtadm --mode target --op show` prints, as values: a text that is indented by its structure. Pure, checked
// against output recorded with tgt 1.0.85. What it does not know it passes over.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vbs::lvm {

struct TgtSession {
  std::string id, initiator;
  std::vector<std::string> connections;
};

struct TgtTarget {
  uint64_t id = 0;
  std::string name;
  std::string device;  // of the LUN kLun; empty: it is not there
  bool read_only = false;
  std::vector<TgtSession> sessions;
  std::vector<std::string> users, initiators;
};

std::vector<TgtTarget> parse_tgt_targets(std::string_view output);

}  // namespace vbs::lvm
