// SPDX-License-Identifier: MIT
//
// What several calls share.
#include <rapidjson/document.h>

#include <algorithm>

#include "device.hpp"
#include "names.hpp"
#include "space.hpp"
#include "storage_lvm_iscsi.hpp"
#include "vbs/plugin/json.hpp"

namespace vbs::lvm {
using plugin::Call;
using plugin::Error;

namespace {
std::string refs_of(const std::string& lv) { return "{\"v\":1,\"lv\":" + plugin::json_quoted(lv) + "}"; }

uint64_t whole_extents(const View& view, uint64_t bytes) {
  const auto extent = std::max<uint64_t>(view.group.extent_bytes, 512);
  return (bytes + extent - 1) / extent * extent;
}

std::string lv_of_refs(const std::string& id, const std::string& refs) {
  rapidjson::Document d;
  d.Parse<rapidjson::kParseIterativeFlag>(refs.data(), refs.size());
  if (!d.HasParseError() && d.IsObject()) {
    const auto version = d.FindMember("v"), lv = d.FindMember("lv");
    if (version != d.MemberEnd() && version->value.IsUint() && version->value.GetUint() == 1 && lv != d.MemberEnd() &&
        lv->value.IsString()) {
      std::string name = lv->value.GetString();
      if (const auto parsed = parse_name(name); parsed && parsed->owner == id) return name;
    }
  }
  throw Error(VBS_INVALID, "the refs of " + id + " were not written by this version of storage_lvm_iscsi: " +
                               (refs.empty() ? "they are empty" : refs.substr(0, 80)) +
                               "; run reconcile to see what the back-end has");
}
}  // namespace

void check_id(const std::string& id, const char* what) {
  if (!is_uuid(id)) throw Error(VBS_INVALID, std::string(what) + " '" + id + "' is not a UUID in lower case");
}

void check_size(uint64_t size_bytes) {
  constexpr uint64_t kSector = 512, kMost = 1ull << 60;
  if (size_bytes == 0 || size_bytes % kSector != 0 || size_bytes > kMost)
    throw Error(VBS_INVALID, "size_bytes is " + std::to_string(size_bytes) +
                                 "; a multiple of 512 above 0 and at most " + std::to_string(kMost) + " is needed");
}

std::string portals_json(const Config& config) {
  std::string out;
  for (const auto& portal : config.portals) {
    out += out.empty() ? "[" : ",";
    out += plugin::json_quoted(portal);
  }
  return out + "]";
}

LvmStorage::Working::Working(LvmStorage& storage, std::vector<std::string> ids)
    : storage_(storage), ids_(std::move(ids)) {
  const std::lock_guard guard(storage_.mutex_);
  for (const auto& id : ids_) storage_.working_.insert(id);
}

LvmStorage::Working::~Working() {
  const std::lock_guard guard(storage_.mutex_);
  for (const auto& id : ids_) storage_.working_.erase(storage_.working_.find(id));
}

bool LvmStorage::is_worked_on(const std::string& id) {
  const std::lock_guard guard(mutex_);
  return working_.count(id) != 0;
}

const Lv& LvmStorage::published(const View& view, uint32_t kind, const std::string& id, const std::string& refs) const {
  const auto name = lv_of_refs(id, refs);
  const auto* lv = view.find(name);
  if (!lv || !lv->record.done || lv->record.kind != kind || lv->record.id != id)
    throw Error(VBS_NOT_FOUND,
                "volume group " + config_.group + " has no logical volume " + name + " with the tags of " + id +
                    ": it was removed or renamed behind VBS; `lvs -o +tags " + config_.group + "` shows what is there");
  return *lv;
}

// The core knows of its attachments only, not of other hands.
void LvmStorage::refuse_open(const Lv& lv) const {
  if (lv.open)
    throw Error(VBS_BUSY, "logical volume " + config_.group + "/" + lv.name +
                              " is open: detach it from whatever uses it (`lsof " + config_.device(lv.name) +
                              "`, the target's configuration), then repeat");
}

plugin::Object LvmStorage::object(const Lv& lv, bool with_facts) const {
  return {lv.record.kind,
          lv.record.id,
          refs_of(lv.name),
          lv.size_bytes,
          lv.allocated_bytes(config_.thin()),
          "raw",
          lv.name,
          with_facts ? lv.record.facts : ""};
}

void LvmStorage::answer(Call& call, const Lv& lv) const {
  add(call, object(lv, false));
  add(call, plugin::Layer{lv.name, "", "raw", lv.allocated_bytes(config_.thin())});
}

void LvmStorage::require_room(Call& call, const View& view, uint64_t more_bytes) const {
  if (!config_.thin()) return require_thick_room(config_, view.group, more_bytes);
  require_pool_room(config_, *view.pool);
  require_promise(config_, *view.pool, group_.promised(call), more_bytes);
}

void LvmStorage::clear_attempts(Call& call, const View& view, const Record& record) const {
  std::vector<const Lv*> abandoned;
  for (const auto& lv : view.lvs) {
    if (lv.record.id != record.id || lv.record.by != record.by || lv.record.done) continue;
    if (lv.record.epoch > call.epoch())
      throw Error(VBS_STALE, lv.name + ": attempt " + std::to_string(lv.record.epoch) + " has worked on it, this is " +
                                 std::to_string(call.epoch()));
    abandoned.push_back(&lv);
  }
  remove_all(call, abandoned);
}

void LvmStorage::make(Call& call, const View& view, Record record, uint64_t size_bytes, const Lv* source) {
  clear_attempts(call, view, record);
  require_room(call, view, size_bytes);
  record.epoch = call.epoch();
  record.done = config_.thin();
  const auto name = LvName{record.id, record.by, record.epoch}.text();
  if (config_.thin()) {
    const bool frozen = record.kind == VBS_KIND_SNAPSHOT;
    source ? group_.snapshot(call, source->name, name, record, frozen)
           : group_.create_thin(call, name, size_bytes, record);
  } else {
    group_.create_thick(call, name, size_bytes, record);
    uint64_t copied = 0;
    if (source) {
      if (!source->active) group_.activate(call, source->name);
      copied = source->size_bytes;
      copy(call, config_.device(source->name), config_.device(name), copied, size_bytes);
    }
    write_zeros(call, config_.device(name), copied, size_bytes);
    group_.add_tag(call, name, kDoneTag);
  }
  // What LVM has made now is known without asking it: whole extents.
  Lv lv;
  lv.name = name;
  lv.size_bytes = config_.thin() && source ? source->size_bytes : whole_extents(view, size_bytes);
  lv.active = record.kind == VBS_KIND_VOLUME;
  lv.record = std::move(record);
  complete(call, view, lv, size_bytes);
}

void LvmStorage::complete(Call& call, const View& view, const Lv& lv, uint64_t size_bytes) {
  Lv now = lv;
  if (now.size_bytes < size_bytes) {
    group_.extend(call, lv.name, size_bytes);
    now.size_bytes = whole_extents(view, size_bytes);
  }
  // A volume without a device is one whose lvcreate was killed in the middle, or that a reboot left so.
  if (!now.active && now.record.kind == VBS_KIND_VOLUME) group_.activate(call, now.name);
  answer(call, now);
}

// Nobody gets to see a volume before this: an extend that was killed in the middle leaves old bytes at its end.
void LvmStorage::ready_device(Call& call, const Lv& lv) const {
  if (!lv.active) group_.activate(call, lv.name);
  if (!lv.record.growing_from_bytes) return;
  write_zeros(call, config_.device(lv.name), *lv.record.growing_from_bytes, lv.size_bytes);
  group_.delete_tag(call, lv.name, growing_tag(*lv.record.growing_from_bytes));
}

void LvmStorage::remove_all(Call& call, const std::vector<const Lv*>& lvs) const {
  for (const auto* lv : lvs) group_.remove(call, *lv);
}

}  // namespace vbs::lvm
