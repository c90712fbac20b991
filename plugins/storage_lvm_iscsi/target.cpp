// SPDX-License-Identifier: MIT
#include "target.hpp"

#include <algorithm>

#include "lio.hpp"
#include "tgt.hpp"
#include "vbs/plugin/storage.hpp"

namespace vbs::lvm {
namespace {
constexpr size_t kMaxName = 223, kMinSecret = 12, kMaxSecret = 64;

bool only(std::string_view text, std::string_view more, bool upper) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (upper && c >= 'A' && c <= 'Z') ||
           more.find(c) != std::string_view::npos;
  });
}
}  // namespace

std::unique_ptr<Target> make_target(plugin::Host host, const Config& config) {
  if (config.target == TargetKind::tgt) return std::make_unique<Tgt>(host, config);
  return std::make_unique<Lio>(host, config);
}

std::string target_name(const Config& config, const std::string& volume_id) {
  return config.iqn_prefix + ":" + volume_id;
}

void check_initiator(const std::string& initiator) {
  if (initiator.empty())
    throw plugin::Error(VBS_INVALID,
                        "the host has no initiator name, and iSCSI exports go to one: add the one of its "
                        "/etc/iscsi/initiatorname.iscsi to the host's entry");
  const bool known = initiator.starts_with("iqn.") || initiator.starts_with("eui.") || initiator.starts_with("naa.");
  if (!known || initiator.size() > kMaxName || !only(initiator, ".-:", false))
    throw plugin::Error(VBS_INVALID, "initiator is \"" + initiator.substr(0, kMaxName) +
                                         "\"; give a name that begins with iqn., eui. or naa., in lower case, of "
                                         "a-z 0-9 . - : and at most 223 characters");
}

void check_secret(const std::string& secret) {
  if (secret.size() < kMinSecret || secret.size() > kMaxSecret || !only(secret, "._-", true))
    throw plugin::Error(VBS_INVALID, "the CHAP secret of this export has " + std::to_string(secret.size()) +
                                         " characters; 12 to 64 of A-Z a-z 0-9 . _ - are needed");
}

}  // namespace vbs::lvm
