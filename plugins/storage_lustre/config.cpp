// SPDX-License-Identifier: MIT
#include "config.hpp"

#include <grp.h>
#include <pwd.h>

#include <charconv>
#include <cmath>

#include "json.hpp"

namespace vbs::lustre {
namespace {
using plugin::Error;
using rapidjson::Value;

constexpr uint64_t kStripeUnit = 64u << 10;  // lfs setstripe(1): a multiple of 64 KiB below 4 GiB
constexpr uint64_t kStripeLimit = 4ull << 30;
constexpr int kMaxStripes = 2000;
constexpr size_t kMaxPoolName = 15;  // LOV_MAXPOOLNAME

[[noreturn]] void bad(const std::string& key, const std::string& what) {
  throw Error(VBS_INVALID, "storage_lustre: " + key + " " + what);
}

std::string text(const Value& o, const char* key, const std::string& fallback) {
  const auto* v = member(o, key);
  if (!v || v->IsNull()) return fallback;
  if (!v->IsString()) bad(key, "must be a text");
  return {v->GetString(), v->GetStringLength()};
}

uint64_t bytes(const Value& o, const char* key, uint64_t fallback) {
  const auto* v = member(o, key);
  if (!v || v->IsNull()) return fallback;
  if (!v->IsUint64()) bad(key, "must be a whole number of bytes, 0 or more");
  return v->GetUint64();
}

std::string absolute_path(const Value& o, const char* key) {
  auto path = text(o, key, "");
  if (path.empty()) return path;
  if (path[0] != '/' || path.find('\0') != std::string::npos || path.find('\n') != std::string::npos)
    bad(key, "is \"" + path + "\"; an absolute path in one line is needed");
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

void read_stripes(const Value& o, Striping& s) {
  if (const auto* v = member(o, "stripe_count"); v && !v->IsNull()) {
    if (!v->IsInt() || v->GetInt() == 0 || v->GetInt() < -1 || v->GetInt() > kMaxStripes)
      bad("stripe_count", "must be a whole number from 1 to " + std::to_string(kMaxStripes) + ", or -1 for every OST");
    s.count = v->GetInt();
  }
  s.size_bytes = bytes(o, "stripe_size", s.size_bytes);
  if (s.size_bytes == 0 || s.size_bytes % kStripeUnit != 0 || s.size_bytes >= kStripeLimit)
    bad("stripe_size", "is " + std::to_string(s.size_bytes) + "; Lustre wants a multiple of 65536 bytes below 4 GiB");
  s.pool = text(o, "pool", s.pool);
  // lfs would silently drop a file system's name in front, so the wrong one would go unnoticed.
  if (s.pool.size() > kMaxPoolName || s.pool.find_first_of("./ \t\n") != std::string::npos || s.pool.starts_with('-'))
    bad("pool", "is \"" + s.pool + "\"; give the pool's name alone, at most 15 characters, without the file system's");
}

uint32_t number_or(const std::string& name, const std::string& key, bool& is_number) {
  uint32_t n = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), n);
  is_number = error == std::errc() && end == name.data() + name.size();
  if (is_number && n == UINT32_MAX) bad(key, "must be below 4294967295");
  return n;
}

uid_t user_id(const std::string& name) {
  bool is_number = false;
  const auto n = number_or(name, "owner", is_number);
  if (is_number) return n;
  struct passwd entry {
  }, *found = nullptr;
  std::string buffer(16384, '\0');
  if (getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || !found)
    bad("owner", "is \"" + name + "\", which is no user of this node; give a name or a number");
  return entry.pw_uid;
}

gid_t group_id(const std::string& name) {
  bool is_number = false;
  const auto n = number_or(name, "group", is_number);
  if (is_number) return n;
  struct group entry {
  }, *found = nullptr;
  std::string buffer(65536, '\0');
  if (getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || !found)
    bad("group", "is \"" + name + "\", which is no group of this node; give a name or a number");
  return entry.gr_gid;
}

mode_t file_mode(const std::string& octal) {
  unsigned mode = 0;
  const auto [end, error] = std::from_chars(octal.data(), octal.data() + octal.size(), mode, 8);
  if (error != std::errc() || end != octal.data() + octal.size() || mode > 0666 || (mode & 0600) != 0600)
    bad("file_mode", "is \"" + octal + "\"; give octal digits from 0600 to 0666, the owner reading and writing");
  if ((mode & 0006) != 0)
    bad("file_mode", "is \"" + octal + "\", which opens volumes to every user of the node; use group instead");
  return mode;
}

Method method(const std::string& name) {
  for (const auto m : {Method::automatic, Method::reflink, Method::overlay, Method::copy})
    if (name == to_string(m)) return m;
  bad("snapshot_method", "is \"" + name + "\"; allowed: auto, reflink, overlay, copy");
}
}  // namespace

const char* to_string(Method m) {
  switch (m) {
    case Method::reflink:
      return "reflink";
    case Method::overlay:
      return "overlay";
    case Method::copy:
      return "copy";
    case Method::automatic:
      break;
  }
  return "auto";
}

Config read_config(std::string_view json) {
  const auto d = parse_object(json);
  if (!d) throw Error(VBS_INVALID, "storage_lustre: the configuration is not a JSON object");
  Config c;
  c.root = absolute_path(*d, "root");
  if (c.root.empty()) bad("root", "is missing: give the directory that holds the volumes");
  if (c.root == "/") bad("root", "is \"/\"; give a directory of its own");
  c.mount_point = absolute_path(*d, "mount_point");
  if (!c.mount_point.empty() && c.root != c.mount_point && !c.root.starts_with(c.mount_point + "/"))
    bad("mount_point", "is \"" + c.mount_point + "\", which does not lead to root \"" + c.root + "\"");
  read_stripes(*d, c.striping);
  c.method = method(text(*d, "snapshot_method", to_string(c.method)));
  if (const auto* v = member(*d, "over_commit_ratio"); v && !v->IsNull()) {
    if (!v->IsNumber() || !(v->GetDouble() >= 1 && v->GetDouble() <= 1000))
      bad("over_commit_ratio", "must be a number from 1 to 1000");
    c.over_commit_ratio = v->GetDouble();
  }
  c.reserve_bytes = bytes(*d, "reserve_bytes", c.reserve_bytes);
  if (const auto* v = member(*d, "shared_nodes"); v && !v->IsNull()) {
    if (!v->IsBool()) bad("shared_nodes", "must be true or false");
    c.shared_nodes = v->GetBool();
  }
  c.owner.mode = file_mode(text(*d, "file_mode", "0600"));
  if (const auto name = text(*d, "owner", ""); !name.empty()) c.owner.uid = user_id(name);
  if (const auto name = text(*d, "group", ""); !name.empty()) c.owner.gid = group_id(name);
  return c;
}

Striping read_striping(std::string_view options, const Striping& base) {
  Striping s = base;
  if (options.empty()) return s;
  const auto d = parse_object(options);
  if (!d) throw Error(VBS_INVALID, "storage_lustre: the volume's options are not a JSON object");
  read_stripes(*d, s);
  return s;
}

}  // namespace vbs::lustre
