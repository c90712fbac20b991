#include "core/plugin_host/results.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.hpp"
#include "core/base/ids.hpp"
#include "core/base/json.hpp"
#include "core/base/utf8.hpp"
#include "vbs/plugin/hypervisor.h"
#include "vbs/plugin/plugin.hpp"
#include "vbs/plugin/storage.h"

namespace vbs {
namespace {
constexpr size_t kMaxItems = 1'000'000;
constexpr size_t kMaxJson = 64 * 1024;
constexpr size_t kMaxName = 255;
constexpr size_t kMaxPath = 4096;

[[noreturn]] void bad(const std::string& what) { throw Error(Code::internal, what); }

std::string take(vbs_str s, const char* what, size_t max_bytes) {
  if (s.len > max_bytes) bad(fmt::format("{} has {} bytes; the limit is {}", what, s.len, max_bytes));
  if (s.len != 0 && !s.ptr) bad(fmt::format("{} has a length of {} and no text", what, s.len));
  if (!is_utf8(plugin::view(s))) bad(fmt::format("{} is not UTF-8", what));
  return plugin::text(s);
}

std::string take_line(vbs_str s, const char* what, size_t max_bytes) {
  std::string text = take(s, what, max_bytes);
  for (const unsigned char c : text)
    if (c < 0x20 || c == 0x7f) bad(fmt::format("{} contains a control character", what));
  return text;
}

std::string take_id(vbs_str s, const char* what) {
  std::string id = take_line(s, what, 64);
  if (!is_uuid(id)) bad(fmt::format("{} '{}' is not a UUID in lower case", what, id));
  return id;
}

std::string take_format(vbs_str s, const char* what) {
  std::string format = take_line(s, what, 32);
  if (format.empty()) bad(fmt::format("{} is empty: it must be recorded, since formats are never probed", what));
  return format;
}

// A name that may become part of a path.
std::string take_name(vbs_str s, const char* what, bool required) {
  std::string name = take_line(s, what, kMaxName);
  if (name.empty() && required) bad(fmt::format("{} is empty", what));
  if (name.starts_with('/') || ("/" + name + "/").find("/../") != std::string::npos ||
      ("/" + name + "/").find("/./") != std::string::npos)
    bad(fmt::format("{} '{}' leads out of the back-end", what, name));
  return name;
}

std::string take_json_object(vbs_str s, const char* what) {
  std::string text = take(s, what, kMaxJson);
  if (text.empty()) return "{}";
  try {
    if (parse_json(text).IsObject()) return text;
  } catch (const Error& e) {
    bad(fmt::format("{} is {}", what, e.what()));
  }
  bad(fmt::format("{} is not a JSON object", what));
}

Mode take_mode(int32_t mode, const char* what) {
  if (mode != VBS_MODE_RO && mode != VBS_MODE_RW) bad(fmt::format("{} {} is not in the ABI", what, mode));
  return mode == VBS_MODE_RW ? Mode::rw : Mode::ro;
}

template <class T>
T received(const void* item) {
  return plugin::receive(static_cast<const T*>(item));
}

ObjectState object(const vbs_object& o) {
  if (o.kind != VBS_KIND_VOLUME && o.kind != VBS_KIND_SNAPSHOT)
    bad(fmt::format("OBJECT kind {} is not in the ABI", o.kind));
  ObjectState s;
  s.kind = static_cast<ObjectKind>(o.kind);
  s.id = take_id(o.id, "OBJECT id");
  s.refs = take(o.refs, "OBJECT refs", VBS_MAX_REFS_BYTES);
  s.size_bytes = o.size_bytes;
  s.allocated_bytes = o.allocated_bytes;
  s.format = take_format(o.format, "OBJECT format");
  s.layer = take_name(o.layer, "OBJECT layer", false);
  s.facts = take_json_object(o.facts, "OBJECT facts");
  return s;
}

LayerState layer(const vbs_layer& l) {
  LayerState s{take_name(l.name, "LAYER name", true), take_name(l.parent, "LAYER parent", false),
               take_format(l.format, "LAYER format"), l.allocated_bytes};
  if (s.name == s.parent) bad(fmt::format("LAYER '{}' is its own parent", s.name));
  return s;
}

Leftover leftover(const vbs_leftover& l) {
  return {take_name(l.name, "LEFTOVER name", true), take_line(l.object_id, "LEFTOVER object_id", 64),
          l.allocated_bytes};
}

Capacity capacity(const vbs_capacity& c) {
  if (!(c.over_commit_ratio >= 0 && c.over_commit_ratio < 1e6))
    bad("CAPACITY over_commit_ratio is not a number from 0 to 1000000");
  return {c.total_bytes, std::min(c.free_bytes, c.total_bytes), c.over_commit_ratio};
}

Connection connection(const vbs_connection& c) {
  Connection s{take_mode(c.mode, "CONNECTION mode"), take_line(c.kind, "CONNECTION kind", 32),
               take_format(c.format, "CONNECTION format"), take_json_object(c.data, "CONNECTION data"),
               take(c.refs, "CONNECTION refs", VBS_MAX_REFS_BYTES)};
  if (s.kind.empty()) bad("CONNECTION kind is empty");
  return s;
}

Source source(const vbs_source& s) {
  Source out{take_line(s.kind, "SOURCE kind", 32), take_format(s.format, "SOURCE format"),
             take_line(s.path, "SOURCE path", 4096), take_json_object(s.data, "SOURCE data"),
             take_line(s.secret, "SOURCE secret", 256)};
  if (out.kind.empty()) bad("SOURCE kind is empty");
  if ((out.kind == "file" || out.kind == "block") && !out.path.starts_with('/')) bad("SOURCE path is not absolute");
  return out;
}

Vm vm(const vbs_vm& v) {
  const bool known = v.state >= VBS_VM_OTHER && v.state <= VBS_VM_SHUT_OFF;
  return {take_id(v.uuid, "VM uuid"), take_line(v.name, "VM name", kMaxName),
          known ? static_cast<VmState>(v.state) : VmState::other, v.persistent != 0};
}

Disk disk(const vbs_disk& d) {
  Disk s;
  s.mode = take_mode(d.mode, "DISK mode");
  s.serial = take_line(d.serial, "DISK serial", kMaxName);
  s.device = take_line(d.device, "DISK device", 64);
  s.path = take_line(d.path, "DISK path", kMaxPath);
  s.live = (d.where & VBS_DISK_LIVE) != 0;
  s.persistent = (d.where & VBS_DISK_PERSISTENT) != 0;
  s.size_bytes = d.size_bytes;
  return s;
}
}  // namespace

void CallResults::add(uint32_t kind, const void* item) {
  if (!item) bad(fmt::format("an item of kind {} was a NULL pointer", kind));
  if (++count > kMaxItems) bad(fmt::format("more than {} items", kMaxItems));
  switch (kind) {
    case VBS_ITEM_OBJECT:
      return objects.push_back(object(received<vbs_object>(item)));
    case VBS_ITEM_LAYER:
      return layers.push_back(layer(received<vbs_layer>(item)));
    case VBS_ITEM_CAPACITY:
      return capacities.push_back(capacity(received<vbs_capacity>(item)));
    case VBS_ITEM_CONNECTION:
      return connections.push_back(connection(received<vbs_connection>(item)));
    case VBS_ITEM_SOURCE:
      return sources.push_back(source(received<vbs_source>(item)));
    case VBS_ITEM_LEFTOVER:
      return leftovers.push_back(leftover(received<vbs_leftover>(item)));
    case VBS_ITEM_VM:
      return vms.push_back(vm(received<vbs_vm>(item)));
    case VBS_ITEM_DISK:
      return disks.push_back(disk(received<vbs_disk>(item)));
    case VBS_ITEM_INSTANCE: {
      const auto i = received<vbs_instance>(item);
      return instances.push_back({i.capabilities, i.max_parallel_calls, take_json_object(i.facts, "INSTANCE facts")});
    }
    default:
      return;
  }
}

}  // namespace vbs
