// SPDX-License-Identifier: MIT
#include "config.hpp"

#include <arpa/inet.h>
#include <rapidjson/document.h>

#include <algorithm>
#include <charconv>

#include "names.hpp"
#include "vbs/plugin/storage.hpp"

namespace vbs::lvm {
namespace {
using plugin::Error;
using rapidjson::Value;

constexpr size_t kMaxPrefix = 180;  // an iSCSI name has 223 bytes (RFC 7143, 4.2.7.1); ':' and a UUID take 37
constexpr size_t kMaxPortals = 8;

[[noreturn]] void bad(const std::string& key, const std::string& what) {
  throw Error(VBS_INVALID, "storage_lvm_iscsi: " + key + " " + what);
}

const Value* member(const Value& o, const char* key) {
  const auto it = o.FindMember(key);
  return it == o.MemberEnd() || it->value.IsNull() ? nullptr : &it->value;
}

std::string text(const Value& o, const char* key, const std::string& fallback) {
  const auto* v = member(o, key);
  if (!v) return fallback;
  if (!v->IsString()) bad(key, "must be a text");
  return {v->GetString(), v->GetStringLength()};
}

double number(const Value& o, const char* key, double low, double high, double fallback) {
  const auto* v = member(o, key);
  if (!v) return fallback;
  if (!v->IsNumber() || !(v->GetDouble() >= low && v->GetDouble() <= high))
    bad(key, "must be a number from " + std::to_string(static_cast<int>(low)) + " to " +
                 std::to_string(static_cast<int>(high)));
  return v->GetDouble();
}

bool one_of(const std::string& key, const std::string& value, const char* first, const char* second) {
  if (value != first && value != second) bad(key, "is \"" + value + "\"; allowed: " + first + ", " + second);
  return value == second;
}

std::string prefix(std::string value) {
  const bool legal = std::all_of(value.begin(), value.end(), [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '.' || c == '-' || c == ':';
  });
  // iqn.YYYY-MM.NAME (RFC 7143, 4.2.7.4): initiators and targetcli refuse what does not look so.
  const auto digit = [&](size_t i) { return value.size() > i && value[i] >= '0' && value[i] <= '9'; };
  const bool dated = value.starts_with("iqn.") && digit(4) && digit(5) && digit(6) && digit(7) && value[8] == '-' &&
                     digit(9) && digit(10) && value.size() > 12 && value[11] == '.';
  if (!legal || !dated || value.size() > kMaxPrefix || value.back() == ':' || value.back() == '.')
    bad("iqn_prefix", "is \"" + value + "\"; give iqn.YYYY-MM.REVERSED-DOMAIN in lower case, at most " +
                          std::to_string(kMaxPrefix) + " characters, such as iqn.2026-01.org.example");
  return value;
}

bool is_portal(const std::string& portal) {
  const auto colon = portal.rfind(':');
  if (colon == std::string::npos || colon == 0) return false;
  unsigned port = 0;
  const auto* end = portal.data() + portal.size();
  const auto [stop, error] = std::from_chars(portal.data() + colon + 1, end, port);
  if (error != std::errc() || stop != end || port == 0 || port > 65535) return false;
  auto address = portal.substr(0, colon);
  in6_addr parsed{};
  if (address.front() != '[') return inet_pton(AF_INET, address.c_str(), &parsed) == 1;
  if (address.back() != ']') return false;
  address = address.substr(1, address.size() - 2);
  return inet_pton(AF_INET6, address.c_str(), &parsed) == 1;
}
}  // namespace

std::vector<std::string> read_portals(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    const auto comma = list.find(',');
    std::string portal(list.substr(0, comma));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    portal.erase(0, portal.find_first_not_of(' '));
    portal.erase(portal.find_last_not_of(' ') + 1);
    if (!is_portal(portal))
      bad("portals", "has \"" + portal + "\"; give addresses with ports, such as 10.0.0.1:3260 or [fd00::1]:3260");
    if (std::find(out.begin(), out.end(), portal) != out.end()) bad("portals", "names " + portal + " twice");
    out.push_back(std::move(portal));
  }
  if (out.empty()) bad("portals", "is empty: give the address and port at which hosts reach this server");
  if (out.size() > kMaxPortals)
    bad("portals", "has " + std::to_string(out.size()) + " portals; the limit is " + std::to_string(kMaxPortals));
  return out;
}

Config read_config(std::string_view json) {
  rapidjson::Document d;
  d.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  if (d.HasParseError() || !d.IsObject())
    throw Error(VBS_INVALID, "storage_lvm_iscsi: the configuration is not a JSON object");
  Config c;
  c.group = text(d, "volume_group", "");
  if (!is_group_name(c.group))
    bad("volume_group", "is \"" + c.group + "\"; give the name of an LVM volume group, at most " +
                            std::to_string(kMaxGroupName) + " characters of a-z A-Z 0-9 + _ . -, '-' counting twice");
  c.provisioning = one_of("provisioning", text(d, "provisioning", "thin"), "thin", "thick") ? Provisioning::thick
                                                                                            : Provisioning::thin;
  c.pool = text(d, "thin_pool", "");
  const bool pool_ok = !c.pool.empty() && c.pool.size() < 100 && c.pool.front() != '-' &&
                       c.pool.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+_.-") ==
                           std::string::npos;
  if (c.thin() && !pool_ok)
    bad("thin_pool", "is \"" + c.pool + "\"; provisioning is thin, so name a thin pool of volume group " + c.group);
  if (!c.thin() && !c.pool.empty()) bad("thin_pool", "is set, but provisioning is thick: leave one of them out");
  c.reserve_percent = static_cast<unsigned>(number(d, "reserve_percent", 0, 90, c.reserve_percent));
  c.over_commit_ratio = number(d, "over_commit_ratio", 1, 1000, c.over_commit_ratio);
  c.target = one_of("target", text(d, "target", "lio"), "lio", "tgt") ? TargetKind::tgt : TargetKind::lio;
  c.iqn_prefix = prefix(text(d, "iqn_prefix", ""));
  c.portals = read_portals(text(d, "portals", ""));
  c.lio_root = text(d, "lio_root", c.lio_root);
  if (c.lio_root.empty() || c.lio_root.front() != '/') bad("lio_root", "is \"" + c.lio_root + "\", no absolute path");
  return c;
}

}  // namespace vbs::lvm
