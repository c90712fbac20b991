// A storage back-end as the core sees it: one interface, whether the plugin runs in this process or in a delegate. The
// words are those of include/vbs/plugin/storage.h, which holds the contract of each call.
//
// Threading: every method may be called from any thread, blocks, and may take long: only from a worker pool of the
// back-end. Errors: throws Error; what the plugin said is the message. Code::unknown_outcome means that the caller must
// ask inspect() what is true.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/plugin_host/call.hpp"

namespace vbs {

enum class Mode { ro, rw };
inline const char* to_string(Mode m) { return m == Mode::ro ? "ro" : "rw"; }

enum class ObjectKind { volume = 1, snapshot = 2 };

struct ObjectState {
  ObjectKind kind = ObjectKind::volume;
  std::string id, refs;
  uint64_t size_bytes = 0, allocated_bytes = 0;
  std::string format;
  std::string layer;  // top layer, empty for plugins without layers
  std::string facts;  // JSON, only from list() and inspect()
};

struct LayerState {
  std::string name, parent, format;
  uint64_t allocated_bytes = 0;
};

struct Leftover {
  std::string name, object_id;
  uint64_t allocated_bytes = 0;
};

// What a changing call did: the core commits all of it in one transaction.
struct StorageChange {
  std::vector<ObjectState> objects;
  std::vector<LayerState> layers;
  const ObjectState* find(const std::string& id) const {
    for (const auto& o : objects)
      if (o.id == id) return &o;
    return nullptr;
  }
};

struct StorageListing {
  std::vector<ObjectState> objects;
  std::vector<LayerState> layers;  // every one that an object rests on, once
  std::vector<Leftover> leftovers;
};

struct Capacity {
  uint64_t total_bytes = 0, free_bytes = 0;
  double over_commit_ratio = 0;
};

struct Connection {
  Mode mode = Mode::ro;
  std::string kind, format, data, refs;  // data: JSON of the kind
  std::string initiator, secret;         // for the connector; empty as answered by a plugin
};

struct Source {
  std::string kind, format, path, data;
  std::string secret;  // where the hypervisor itself logs in
};

struct CreateArgs {
  std::string id;
  uint64_t size_bytes = 0;
  std::optional<ObjectKind> source_kind;  // nullopt: empty
  std::string source_id, source_refs;
  bool source_in_use = false;
  std::string facts = "{}", options = "{}";
};

struct SnapshotArgs {
  std::string id, volume_id, volume_refs;
  bool in_use = false;
  std::string facts = "{}";
};

struct RevertArgs {
  std::string id;  // of this revert
  std::string volume_id, volume_refs, snapshot_id, snapshot_refs;
};

struct FlattenArgs {
  std::string id;  // of this flatten
  std::string volume_id, volume_refs;
  bool in_use = false;
};

struct ExportArgs {
  std::string export_id, volume_id, volume_refs, host, initiator, refs;
  Mode mode = Mode::ro;
  std::string secret;
};

struct InstanceFacts {
  uint64_t capabilities = 0;        // VBS_CAP_*
  uint32_t max_parallel_calls = 0;  // 0 = no limit of its own
  std::string facts = "{}";         // JSON for people
};

class StorageBackend {
 public:
  virtual ~StorageBackend() = default;
  virtual const InstanceFacts& instance() const = 0;
  // An instance on another node is opened again by itself when the delegate there was started anew. `hook` then runs,
  // on the thread that opened it and with that thread's calls alone let in, before anybody else's. Set once, before the
  // first call; what it throws keeps the instance closed.
  virtual void after_reopen(std::function<void(StorageBackend&)> hook) { (void)hook; }
  bool has(uint64_t capability) const { return (instance().capabilities & capability) != 0; }

  virtual Capacity capacity(const Call&) = 0;
  virtual StorageChange create(const Call&, const CreateArgs&) = 0;
  virtual void remove(const Call&, ObjectKind, const std::string& id, const std::string& refs,
                      const std::vector<std::string>& layers) = 0;
  virtual StorageChange extend(const Call&, const std::string& id, const std::string& refs, uint64_t size_bytes,
                               bool in_use) = 0;
  virtual StorageChange snapshot_prepare(const Call&, const std::vector<SnapshotArgs>&) = 0;
  virtual StorageChange snapshot_take(const Call&, const std::vector<SnapshotArgs>&) = 0;
  virtual void snapshot_finish(const Call&, const std::vector<SnapshotArgs>&, bool commit) = 0;
  virtual StorageChange revert(const Call&, const RevertArgs&) = 0;  // optional in a plugin: Error(not_supported)
  // Optional, too. Without an object for the volume: it is in use, and the hypervisor is to stream first.
  virtual StorageChange flatten(const Call&, const FlattenArgs&) = 0;
  virtual Connection export_object(const Call&, const ExportArgs&) = 0;
  virtual void unexport(const Call&, const ExportArgs&) = 0;
  virtual bool live_sessions(const Call&, const ExportArgs&) = 0;  // optional: Error(not_supported)
  virtual StorageListing list(const Call&) = 0;
  virtual std::optional<ObjectState> inspect(const Call&, ObjectKind, const std::string& id,
                                             const std::string& refs) = 0;
  virtual void discard(const Call&, const std::string& leftover) = 0;
};

}  // namespace vbs
