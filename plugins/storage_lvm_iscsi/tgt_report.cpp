// SPDX-License-Identifier: MIT
#include "tgt_report.hpp"

#include <charconv>

#include "target.hpp"

namespace vbs::lvm {
namespace {
// What follows `key`, if the line begins with it.
bool take(std::string_view line, std::string_view key, std::string& out) {
  if (!line.starts_with(key)) return false;
  out = line.substr(key.size());
  return true;
}
}  // namespace

std::vector<TgtTarget> parse_tgt_targets(std::string_view output) {
  std::vector<TgtTarget> out;
  std::string section, lun, value;
  while (!output.empty()) {
    const auto end = output.find('\n');
    auto line = output.substr(0, end);
    output.remove_prefix(end == std::string_view::npos ? output.size() : end + 1);
    const auto indent = line.find_first_not_of(' ');
    if (indent == std::string_view::npos) continue;
    line.remove_prefix(indent);
    if (indent == 0 && take(line, "Target ", value)) {
      const auto colon = value.find(": ");
      TgtTarget target;
      std::from_chars(value.data(), value.data() + value.size(), target.id);
      if (colon != std::string::npos) target.name = value.substr(colon + 2);
      out.push_back(std::move(target));
      section.clear();
      continue;
    }
    if (out.empty()) continue;
    auto& target = out.back();
    if (indent == 4) {
      section = line;
      lun.clear();
    } else if (section == "I_T nexus information:") {
      if (take(line, "I_T nexus: ", value)) target.sessions.push_back({value, "", {}});
      if (target.sessions.empty()) continue;
      if (take(line, "Initiator: ", value)) target.sessions.back().initiator = value.substr(0, value.find(' '));
      if (take(line, "Connection: ", value)) target.sessions.back().connections.push_back(value);
    } else if (section == "LUN information:") {
      if (take(line, "LUN: ", value)) lun = value;
      if (lun != std::to_string(kLun)) continue;
      if (take(line, "Readonly: ", value)) target.read_only = value == "Yes";
      if (take(line, "Backing store path: ", value)) target.device = value == "None" ? "" : value;
    } else if (section == "Account information:") {
      target.users.emplace_back(line.substr(0, line.find(' ')));
    } else if (section == "ACL information:") {
      target.initiators.emplace_back(line);
    }
  }
  return out;
}

}  // namespace vbs::lvm
