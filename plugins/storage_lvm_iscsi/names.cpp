// SPDX-License-Identifier: MIT
#include "names.hpp"

#include <algorithm>
#include <charconv>

namespace vbs::lvm {
namespace {
constexpr size_t kUuidLength = 36;

bool take_uuid(std::string_view& text, std::string& id) {
  if (text.size() <= kUuidLength || text[kUuidLength] != '.' || !is_uuid(text.substr(0, kUuidLength))) return false;
  id = text.substr(0, kUuidLength);
  text.remove_prefix(kUuidLength + 1);
  return true;
}
}  // namespace

bool is_uuid(std::string_view text) {
  if (text.size() != kUuidLength) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  }
  return true;
}

bool is_group_name(std::string_view text) {
  if (text.empty() || text.front() == '-' || text == "." || text == "..") return false;
  const bool legal = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' ||
           c == '+' || c == '-';
  });
  return legal && text.size() + static_cast<size_t>(std::count(text.begin(), text.end(), '-')) <= kMaxGroupName;
}

std::string LvName::text() const {
  return std::string(kNamePrefix) + owner + (by.empty() ? "" : "." + by) + "." + std::to_string(epoch);
}

std::optional<LvName> parse_name(std::string_view text) {
  if (!text.starts_with(kNamePrefix)) return std::nullopt;
  text.remove_prefix(kNamePrefix.size());
  LvName name;
  if (!take_uuid(text, name.owner)) return std::nullopt;
  take_uuid(text, name.by);
  const auto* end = text.data() + text.size();
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;  // one spelling for each number
  const auto [stop, error] = std::from_chars(text.data(), end, name.epoch);
  if (error != std::errc() || stop != end) return std::nullopt;
  return name;
}

std::string chap_user(const std::string& export_id) { return "vbs-" + export_id; }

}  // namespace vbs::lvm
