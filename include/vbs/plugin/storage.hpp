/* SPDX-License-Identifier: MIT
 *
 * C++ side of the storage table (storage.h, which says what each call must do). Derive a class from StorageInstance,
 * with a constructor (Host, Call&, std::string_view backend_id, std::string_view config), and end one .cpp file with
 *
 *   VBS_STORAGE_PLUGIN("storage_mine", "1.0", MyStorage)
 *
 * What the class does not override is NULL in the table, and the host answers "not supported" for it.
 * Errors: throw vbs::plugin::Error. Results go out through add(call, ...), and count only if the call returns.
 * Threading: the host calls one instance from several threads, up to max_parallel_calls of facts(), but never two
 * changing calls for one object at once. Ownership: the host owns the instance between open and close; arguments are
 * copies. */
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "plugin.hpp"
#include "storage.h"

namespace vbs::plugin {

struct CreateArgs {
  std::string id;
  uint64_t size_bytes = 0;
  uint32_t source_kind = 0;  // 0 = empty, VBS_KIND_*
  std::string source_id, source_refs;
  bool source_in_use = false;
  std::string facts, options;  // JSON objects
};

struct RemoveArgs {
  uint32_t kind = VBS_KIND_VOLUME;
  std::string id, refs;
  std::vector<std::string> layers;  // top first
};

struct ExtendArgs {
  std::string id, refs;
  uint64_t size_bytes = 0;
  bool in_use = false;
};

struct SnapshotArgs {
  std::string id, volume_id;
  std::string volume_refs;  // as before prepare
  bool in_use = false;
  std::string facts;
  std::string snapshot_id, snapshot_refs;  // revert only
};

struct FlattenArgs {
  std::string id, volume_id, volume_refs;
  bool in_use = false;
};

struct ExportArgs {
  std::string export_id, volume_id, volume_refs, host, initiator, refs;
  bool read_only = true;
  std::string secret;  // never to be logged
};

struct ObjectRef {
  uint32_t kind = VBS_KIND_VOLUME;
  std::string id, refs;
};

struct StorageFacts {
  uint64_t capabilities = 0;        // VBS_CAP_*
  uint32_t max_parallel_calls = 0;  // 0 = no limit
  std::string json = "{}";          // for people
};

struct Object {
  uint32_t kind = VBS_KIND_VOLUME;
  std::string id, refs;
  uint64_t size_bytes = 0, allocated_bytes = 0;
  std::string format, layer, facts;
};

struct Layer {
  std::string name, parent, format;
  uint64_t allocated_bytes = 0;
};

struct Leftover {
  std::string name, object_id;
  uint64_t allocated_bytes = 0;
};

struct Capacity {
  uint64_t total_bytes = 0, free_bytes = 0;
  double over_commit_ratio = 0;
};

struct Connection {
  bool read_only = true;
  std::string kind, format, data, refs;
};

struct Source {
  std::string kind, format, path, data;
};

struct Extent {
  uint64_t offset_bytes = 0, length_bytes = 0;
  bool zero = false;
};

inline void add(Call& call, const StorageFacts& f) {
  vbs_instance item{};
  item.capabilities = f.capabilities;
  item.max_parallel_calls = f.max_parallel_calls;
  item.facts = str(f.json);
  call.add(VBS_ITEM_INSTANCE, item);
}

inline void add(Call& call, const Object& o) {
  vbs_object item{};
  item.kind = o.kind;
  item.id = str(o.id);
  item.refs = str(o.refs);
  item.size_bytes = o.size_bytes;
  item.allocated_bytes = o.allocated_bytes;
  item.format = str(o.format);
  item.layer = str(o.layer);
  item.facts = str(o.facts);
  call.add(VBS_ITEM_OBJECT, item);
}

inline void add(Call& call, const Layer& l) {
  vbs_layer item{};
  item.name = str(l.name);
  item.parent = str(l.parent);
  item.format = str(l.format);
  item.allocated_bytes = l.allocated_bytes;
  call.add(VBS_ITEM_LAYER, item);
}

inline void add(Call& call, const Leftover& l) {
  vbs_leftover item{};
  item.name = str(l.name);
  item.object_id = str(l.object_id);
  item.allocated_bytes = l.allocated_bytes;
  call.add(VBS_ITEM_LEFTOVER, item);
}

inline void add(Call& call, const Capacity& c) {
  vbs_capacity item{};
  item.total_bytes = c.total_bytes;
  item.free_bytes = c.free_bytes;
  item.over_commit_ratio = c.over_commit_ratio;
  call.add(VBS_ITEM_CAPACITY, item);
}

inline void add(Call& call, const Connection& c) {
  vbs_connection item{};
  item.mode = c.read_only ? VBS_MODE_RO : VBS_MODE_RW;
  item.kind = str(c.kind);
  item.format = str(c.format);
  item.data = str(c.data);
  item.refs = str(c.refs);
  call.add(VBS_ITEM_CONNECTION, item);
}

inline void add(Call& call, const Source& s) {
  vbs_source item{};
  item.kind = str(s.kind);
  item.format = str(s.format);
  item.path = str(s.path);
  item.data = str(s.data);
  call.add(VBS_ITEM_SOURCE, item);
}

inline void add(Call& call, const Extent& e) {
  vbs_extent item{};
  item.zero = e.zero ? 1 : 0;
  item.offset_bytes = e.offset_bytes;
  item.length_bytes = e.length_bytes;
  call.add(VBS_ITEM_EXTENT, item);
}

class StorageInstance {
 public:
  StorageInstance() = default;
  StorageInstance(const StorageInstance&) = delete;
  StorageInstance& operator=(const StorageInstance&) = delete;
  virtual ~StorageInstance() = default;

  virtual StorageFacts facts() const = 0;  // for open: what holds for this configuration

  virtual Capacity capacity(Call&) { absent("capacity"); }
  virtual void create(Call&, const CreateArgs&) { absent("create"); }
  virtual void remove(Call&, const RemoveArgs&) { absent("remove"); }
  virtual void extend(Call&, const ExtendArgs&) { absent("extend"); }
  virtual void snapshot_prepare(Call&, const std::vector<SnapshotArgs>&) { absent("snapshot_prepare"); }
  virtual void snapshot_take(Call&, const std::vector<SnapshotArgs>&) { absent("snapshot_take"); }
  virtual void snapshot_finish(Call&, const std::vector<SnapshotArgs>&, bool /*commit*/) { absent("snapshot_finish"); }
  virtual void revert(Call&, const SnapshotArgs&) { absent("revert"); }
  virtual Connection export_object(Call&, const ExportArgs&) { absent("export_object"); }
  virtual void unexport(Call&, const ExportArgs&) { absent("unexport"); }
  virtual bool live_sessions(Call&, const ExportArgs&) { absent("live_sessions"); }
  virtual void list(Call&) { absent("list"); }
  virtual Object inspect(Call&, const ObjectRef&) { absent("inspect"); }
  virtual void discard(Call&, const std::string& /*leftover*/) { absent("discard"); }
  virtual Source open_data(Call&, const ObjectRef&, bool /*read_only*/) { absent("open_data"); }
  virtual void extents(Call&, const ObjectRef&, const std::string& /*since_snapshot_refs*/) { absent("extents"); }
  virtual void flatten(Call&, const FlattenArgs&) { absent("flatten"); }

 private:
  [[noreturn]] static void absent(const char* what) {
    throw Error(VBS_NOT_SUPPORTED, std::string(what) + " is not supported by this storage plugin");
  }
};

namespace detail {

inline SnapshotArgs snapshot_args(const vbs_snapshot_args* raw) {
  const auto in = receive(raw);
  return {text(in.id),    text(in.volume_id),   text(in.volume_refs),  in.in_use != 0,
          text(in.facts), text(in.snapshot_id), text(in.snapshot_refs)};
}

// The host's structs may be longer or shorter than ours: each says its own size.
inline std::vector<SnapshotArgs> snapshot_list(const vbs_snapshot_args* raw, uint64_t n) {
  std::vector<SnapshotArgs> out;
  const auto* at = reinterpret_cast<const char*>(raw);
  for (uint64_t i = 0; i < n; ++i) {
    const auto* one = reinterpret_cast<const vbs_snapshot_args*>(at);
    out.push_back(snapshot_args(one));
    at += one->size;
  }
  return out;
}

inline ExportArgs export_args(const vbs_export_args* raw) {
  const auto in = receive(raw);
  return {text(in.export_id), text(in.volume_id), text(in.volume_refs),   text(in.host),
          text(in.initiator), text(in.refs),      in.mode != VBS_MODE_RW, text(in.secret)};
}

// The C functions of one class. Each turns exceptions into a status, so none crosses the line.
template <class T>
struct StorageCalls {
  static T& self(void* instance) { return *static_cast<T*>(instance); }

  template <class F>
  static vbs_status with(vbs_call* raw, F&& f) {
    return guard(raw, [&] {
      Call call(raw);
      f(call);
    });
  }

  static vbs_status open(const vbs_host* host, vbs_call* raw, vbs_str backend_id, vbs_str config, void** instance) {
    return with(raw, [&](Call& call) {
      auto made = std::make_unique<T>(Host(host), call, view(backend_id), view(config));
      add(call, made->facts());
      *instance = made.release();
    });
  }
  static void close(void* instance) { delete static_cast<T*>(instance); }
  static vbs_status capacity(void* i, vbs_call* raw) {
    return with(raw, [&](Call& call) { add(call, self(i).capacity(call)); });
  }
  static vbs_status create(void* i, vbs_call* raw, const vbs_create_args* args) {
    return with(raw, [&](Call& call) {
      const auto in = receive(args);
      self(i).create(call, {text(in.id), in.size_bytes, in.source_kind, text(in.source_id), text(in.source_refs),
                            in.source_in_use != 0, text(in.facts), text(in.options)});
    });
  }
  static vbs_status remove(void* i, vbs_call* raw, const vbs_remove_args* args) {
    return with(raw, [&](Call& call) {
      const auto in = receive(args);
      std::vector<std::string> layers;
      for (uint64_t n = 0; n < in.n_layers; ++n) layers.push_back(text(in.layers[n]));
      self(i).remove(call, {in.kind, text(in.id), text(in.refs), std::move(layers)});
    });
  }
  static vbs_status extend(void* i, vbs_call* raw, const vbs_extend_args* args) {
    return with(raw, [&](Call& call) {
      const auto in = receive(args);
      self(i).extend(call, {text(in.id), text(in.refs), in.size_bytes, in.in_use != 0});
    });
  }
  static vbs_status snapshot_prepare(void* i, vbs_call* raw, const vbs_snapshot_args* args, uint64_t n) {
    return with(raw, [&](Call& call) { self(i).snapshot_prepare(call, snapshot_list(args, n)); });
  }
  static vbs_status snapshot_take(void* i, vbs_call* raw, const vbs_snapshot_args* args, uint64_t n) {
    return with(raw, [&](Call& call) { self(i).snapshot_take(call, snapshot_list(args, n)); });
  }
  static vbs_status snapshot_finish(void* i, vbs_call* raw, const vbs_snapshot_args* args, uint64_t n, int32_t commit) {
    return with(raw, [&](Call& call) { self(i).snapshot_finish(call, snapshot_list(args, n), commit != 0); });
  }
  static vbs_status revert(void* i, vbs_call* raw, const vbs_snapshot_args* args) {
    return with(raw, [&](Call& call) { self(i).revert(call, snapshot_args(args)); });
  }
  static vbs_status export_object(void* i, vbs_call* raw, const vbs_export_args* args) {
    return with(raw, [&](Call& call) { add(call, self(i).export_object(call, export_args(args))); });
  }
  static vbs_status unexport(void* i, vbs_call* raw, const vbs_export_args* args) {
    return with(raw, [&](Call& call) { self(i).unexport(call, export_args(args)); });
  }
  static vbs_status live_sessions(void* i, vbs_call* raw, const vbs_export_args* args) {
    bool live = false;
    const auto status = with(raw, [&](Call& call) { live = self(i).live_sessions(call, export_args(args)); });
    return status == VBS_OK && !live ? VBS_NOT_FOUND : status;
  }
  static vbs_status list(void* i, vbs_call* raw) {
    return with(raw, [&](Call& call) { self(i).list(call); });
  }
  static vbs_status inspect(void* i, vbs_call* raw, uint32_t kind, vbs_str id, vbs_str refs) {
    return with(raw, [&](Call& call) { add(call, self(i).inspect(call, {kind, text(id), text(refs)})); });
  }
  static vbs_status discard(void* i, vbs_call* raw, vbs_str leftover) {
    return with(raw, [&](Call& call) { self(i).discard(call, text(leftover)); });
  }
  static vbs_status open_data(void* i, vbs_call* raw, uint32_t kind, vbs_str id, vbs_str refs, int32_t mode) {
    return with(raw, [&](Call& call) {
      add(call, self(i).open_data(call, {kind, text(id), text(refs)}, mode != VBS_MODE_RW));
    });
  }
  static vbs_status extents(void* i, vbs_call* raw, uint32_t kind, vbs_str id, vbs_str refs, vbs_str since) {
    return with(raw, [&](Call& call) { self(i).extents(call, {kind, text(id), text(refs)}, text(since)); });
  }
  static vbs_status flatten(void* i, vbs_call* raw, const vbs_flatten_args* args) {
    return with(raw, [&](Call& call) {
      const auto in = receive(args);
      self(i).flatten(call, {text(in.id), text(in.volume_id), text(in.volume_refs), in.in_use != 0});
    });
  }
};

// Whether a member was overridden: a member that T only inherits has the base's type.
template <class Mine, class Base>
constexpr bool overridden = !std::is_same_v<Mine, Base>;

}  // namespace detail

// The table of T, for plugins that have more than one kind; VBS_STORAGE_PLUGIN needs only this one. Lives for ever.
template <class T>
const vbs_storage_table* storage_table() {
  using Calls = detail::StorageCalls<T>;
  static const vbs_storage_table table = [] {
    vbs_storage_table t{};
    t.size = sizeof t;
    t.open = Calls::open;
    t.close = Calls::close;
#define VBS_STORAGE_ENTRY(NAME) \
  if constexpr (detail::overridden<decltype(&T::NAME), decltype(&StorageInstance::NAME)>) t.NAME = Calls::NAME
    VBS_STORAGE_ENTRY(capacity);
    VBS_STORAGE_ENTRY(create);
    VBS_STORAGE_ENTRY(remove);
    VBS_STORAGE_ENTRY(extend);
    VBS_STORAGE_ENTRY(snapshot_prepare);
    VBS_STORAGE_ENTRY(snapshot_take);
    VBS_STORAGE_ENTRY(snapshot_finish);
    VBS_STORAGE_ENTRY(revert);
    VBS_STORAGE_ENTRY(export_object);
    VBS_STORAGE_ENTRY(unexport);
    VBS_STORAGE_ENTRY(live_sessions);
    VBS_STORAGE_ENTRY(list);
    VBS_STORAGE_ENTRY(inspect);
    VBS_STORAGE_ENTRY(discard);
    VBS_STORAGE_ENTRY(open_data);
    VBS_STORAGE_ENTRY(extents);
    VBS_STORAGE_ENTRY(flatten);
#undef VBS_STORAGE_ENTRY
    return t;
  }();
  return &table;
}

// The entry of a plugin with nothing but storage: NULL, and a line in the host's log, if the host does not speak this
// header's version of the table.
template <class T>
const vbs_plugin* storage_plugin(const vbs_host* host, const vbs_versions* raw, std::string_view name,
                                 std::string_view version) {
  const auto versions = receive(raw);
  if (VBS_STORAGE_VERSION < versions.storage_min || VBS_STORAGE_VERSION > versions.storage_max) {
    Host(host).log(VBS_LOG_ERROR, std::string(name) + " speaks storage table version " +
                                      std::to_string(VBS_STORAGE_VERSION) + ", this host versions " +
                                      std::to_string(versions.storage_min) + " to " +
                                      std::to_string(versions.storage_max) + ": install a plugin built for it");
    return nullptr;
  }
  static const vbs_plugin descriptor = [&] {
    vbs_plugin p{};
    p.size = sizeof p;
    p.magic = VBS_PLUGIN_MAGIC;
    p.name = str(name);
    p.version = str(version);
    p.storage_version = VBS_STORAGE_VERSION;
    p.storage = storage_table<T>();
    return p;
  }();
  return &descriptor;
}

}  // namespace vbs::plugin

// NAME and VERSION are string literals and equal to the manifest's.
#define VBS_STORAGE_PLUGIN(NAME, VERSION, CLASS)                                                                       \
  extern "C" __attribute__((visibility("default"))) const vbs_plugin* vbs_plugin_entry(const vbs_host* host,           \
                                                                                       const vbs_versions* versions) { \
    return ::vbs::plugin::storage_plugin<CLASS>(host, versions, NAME, VERSION);                                        \
  }
