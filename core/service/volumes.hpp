// Volumes and snapshots, as adapters ask for them. Sizes are bytes.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/service/core.hpp"

namespace vbs {

constexpr uint64_t kSizeStep = 1024 * 1024;                              // sizes are whole MiB
constexpr uint64_t kMaxVolumeBytes = 64ull * 1024 * 1024 * 1024 * 1024;  // 64 TiB

// Throws Error(invalid) naming `size_bytes` and the limit.
void check_size(uint64_t bytes);

struct NewVolume {
  std::string name, comment, metadata = "{}", backend;
  std::optional<uint64_t> size_bytes;  // absent: the source's
  std::string snapshot_id, volume_id;  // at most one
};

struct Changes {  // absent: stays
  std::optional<std::string> name, comment, metadata;
};

struct VolumeView {
  store::VolumeRow row;
  Access access = Access::none;
  std::vector<store::AttachmentRow> attachments;  // those that the caller may see
};

struct Page {
  store::Filter filter;
  std::string marker;  // id of the last one of the page before
  bool all_projects = false;
};

Admitted create_volume(Core&, const Caller&, const NewVolume&);
Admitted delete_volume(Core&, const Caller&, const std::string& id);
Admitted extend_volume(Core&, const Caller&, const std::string& id, uint64_t size_bytes);
// To its latest snapshot.
// Its bytes into files of its own: its chain of layers ends, and those that nobody else needs go.
Admitted flatten_volume(Core&, const Caller&, const std::string& id);
Admitted revert_volume(Core&, const Caller&, const std::string& id, const std::string& snapshot_id);
VolumeView show_volume(Core&, const Caller&, const std::string& id);
std::vector<VolumeView> list_volumes(Core&, const Caller&, const Page&);
void update_volume(Core&, const Caller&, const std::string& id, const Changes&);

std::vector<store::GrantRow> list_grants(Core&, const Caller&, const std::string& id);
void grant(Core&, const Caller&, const std::string& id, const std::string& user);
void ungrant(Core&, const Caller&, const std::string& id, const std::string& user);

struct NewSnapshot {
  std::string volume_id, name, comment, metadata = "{}";
};
Admitted create_snapshot(Core&, const Caller&, const NewSnapshot&);
Admitted delete_snapshot(Core&, const Caller&, const std::string& id);
store::SnapshotRow show_snapshot(Core&, const Caller&, const std::string& id);
std::vector<store::SnapshotRow> list_snapshots(Core&, const Caller&, const Page&);
void update_snapshot(Core&, const Caller&, const std::string& id, const Changes&);

struct Explanation {
  std::vector<std::string> lines, next;
};
Explanation explain(Core&, const Caller&, const std::string& id);

}  // namespace vbs
