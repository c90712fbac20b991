#include "connection.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>

namespace vbs::iscsi {
namespace {
using plugin::Error;

constexpr size_t max_name = 223;  // of an iSCSI name (RFC 7143, 4.2.7.1)
constexpr size_t max_text = 255;
constexpr size_t max_portals = 16;
constexpr int max_lun = 16383;

// These become arguments of commands, and the iqn a file name.
bool is_plain(const std::string& s, const char* beyond) {
  return !s.empty() && s.front() != '-' && std::all_of(s.begin(), s.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(beyond).find(c) != std::string_view::npos;
  });
}

std::string member(const plugin::Host& host, const std::string& data, const std::string& name, size_t limit,
                   const char* beyond) {
  auto value = host.json_get(data, "/" + name).value_or("");
  if (!is_plain(value, beyond) || value.size() > limit)
    throw Error(VBS_INVALID, "iscsi connection: " + name + " is '" + value.substr(0, 64) + "'; it must be 1 to " +
                                 std::to_string(limit) + " letters, digits or of " + beyond);
  return value;
}
}  // namespace

Target read_target(const plugin::Host& host, const plugin::ConnectionArgs& connection) {
  Target out;
  out.iqn = member(host, connection.data, "iqn", max_name, ".:-_");
  out.user = member(host, connection.data, "user", max_text, ".:-_@");
  const auto lun = member(host, connection.data, "lun", 5, "");
  const auto [end, error] = std::from_chars(lun.data(), lun.data() + lun.size(), out.lun);
  if (error != std::errc() || end != lun.data() + lun.size() || out.lun > max_lun)
    throw Error(VBS_INVALID, "iscsi connection: lun is '" + lun + "'; it must be 0 to " + std::to_string(max_lun));
  for (size_t i = 0; i <= max_portals; ++i) {
    const auto name = "portals/" + std::to_string(i);
    if (!host.json_get(connection.data, "/" + name)) break;
    out.portals.push_back(member(host, connection.data, name, max_text, ".:-[]"));
  }
  if (out.portals.empty() || out.portals.size() > max_portals)
    throw Error(VBS_INVALID, "iscsi connection: portals must be 1 to " + std::to_string(max_portals));
  return out;
}

std::string own_initiator(const std::string& file) {
  std::ifstream in(file);
  constexpr std::string_view key = "InitiatorName=";
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(key)) return line.substr(key.size(), line.find_last_not_of(" \t\r") + 1 - key.size());
  return {};
}
}  // namespace vbs::iscsi
