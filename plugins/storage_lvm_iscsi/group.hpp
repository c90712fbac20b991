// SPDX-License-Identifier: MIT
//
// The volume group, through LVM's commands (patterns of the manifest). One command per method unless it says otherwise;
// LVM itself serialises those of one group.
//
// Threading: every method from any thread. Errors: throws Error; VBS_UNAVAILABLE where the group or its marker is
// missing, VBS_NO_SPACE and VBS_BUSY where LVM says so, with what LVM said.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config.hpp"
#include "report.hpp"
#include "tags.hpp"
#include "vbs/plugin/storage.hpp"

namespace vbs::lvm {

// One of ours: its name and its tags say so.
struct Lv {
  std::string name;
  uint64_t size_bytes = 0;
  bool active = false, open = false;
  double data_percent = 0;  // of its own size; thin and active only
  Record record;

  uint64_t allocated_bytes(bool thin) const {
    return thin ? static_cast<uint64_t>(static_cast<double>(size_bytes) * data_percent / 100) : size_bytes;
  }
};

// What a call needs to know, from one report.
struct View {
  GroupRow group;
  std::optional<LvRow> pool;
  std::vector<Lv> lvs;  // of the ids that were asked for

  const Lv* find(std::string_view name) const;
  const Lv* newest_done(const std::string& id) const;  // the object of that id, if it is whole
};

class Group {
 public:
  Group(plugin::Host host, const Config& config) : host_(host), config_(config) {}

  // The marker, unless `backend_id` is empty: then the group's own is taken (VBS_NOT_FOUND if it has none). Writes it
  // into a group that has none. The id then belongs to every later call.
  void adopt(plugin::Call&, const std::string& backend_id);
  const std::string& backend_id() const { return backend_id_; }

  // Volumes that have one of the ids in their name, and the pool. Checks the marker.
  View look(plugin::Call&, const std::vector<std::string>& ids) const;
  // All of ours; more than one command if there are thousands.
  View all(plugin::Call&) const;
  // Bytes that the thin volumes of the pool may grow to.
  uint64_t promised(plugin::Call&) const;
  GroupRow facts(plugin::Call&) const;

  // Active when they return. The pool's zeroing is what keeps old bytes out of a thin volume; a thick one shows them.
  void create_thin(plugin::Call&, const std::string& name, uint64_t size_bytes, const Record&) const;
  void create_thick(plugin::Call&, const std::string& name, uint64_t size_bytes, const Record&) const;
  // Thin only. Frozen: read-only and without a device until somebody activates it.
  void snapshot(plugin::Call&, const std::string& origin, const std::string& name, const Record&, bool frozen) const;
  void extend(plugin::Call&, const std::string& name, uint64_t size_bytes) const;
  void activate(plugin::Call&, const std::string& name) const;
  void add_tag(plugin::Call&, const std::string& name, const std::string& tag) const;
  void delete_tag(plugin::Call&, const std::string& name, const std::string& tag) const;
  void remove(plugin::Call&, const Lv&) const;

 private:
  using Parameters = std::vector<std::pair<std::string, std::string>>;
  std::string run(plugin::Call&, const char* command, const Parameters&) const;
  std::optional<std::vector<LvRow>> report(plugin::Call&, const std::string& select) const;
  void check_marker(const GroupRow&) const;
  void collect(plugin::Call&, const std::string& id_prefix, View&) const;

  const plugin::Host host_;
  const Config& config_;
  std::string backend_id_;
};

}  // namespace vbs::lvm
