#include "core/plugin_host/local_storage.hpp"

#include <fmt/format.h>

#include <set>

#include "core/base/error.hpp"
#include "core/plugin_host/call_context.hpp"
#include "core/plugin_host/call_gate.hpp"
#include "vbs/plugin/plugin.hpp"

namespace vbs {
namespace {
using plugin::str;

class LocalStorage final : public StorageBackend {
 public:
  LocalStorage(const vbs_storage_table& table, const HostServices& host, void* instance, InstanceFacts facts)
      : table_(table), host_(host), instance_(instance), facts_(std::move(facts)), gate_(facts_.max_parallel_calls) {}
  ~LocalStorage() override { table_.close(instance_); }
  LocalStorage(const LocalStorage&) = delete;
  LocalStorage& operator=(const LocalStorage&) = delete;

  const InstanceFacts& instance() const override { return facts_; }

  Capacity capacity(const Call& call) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "capacity");
    context.run(table_.capacity, instance_, context.raw());
    if (context.results().capacities.size() != 1) context.wrong_answer("exactly one CAPACITY was expected");
    return context.results().capacities[0];
  }

  StorageChange create(const Call& call, const CreateArgs& a) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "create");
    vbs_create_args args{};
    args.size = sizeof args;
    args.source_kind = a.source_kind ? static_cast<uint32_t>(*a.source_kind) : 0;
    args.id = str(a.id);
    args.size_bytes = a.size_bytes;
    args.source_id = str(a.source_id);
    args.source_refs = str(a.source_refs);
    args.source_in_use = a.source_in_use;
    args.facts = str(a.facts);
    args.options = str(a.options);
    context.run(table_.create, instance_, context.raw(), &args);
    auto change = take_change(context, {a.id, a.source_id});
    require(context, change, a.id, ObjectKind::volume, a.size_bytes);
    return change;
  }

  void remove(const Call& call, ObjectKind kind, const std::string& id, const std::string& refs,
              const std::vector<std::string>& layers) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "remove");
    std::vector<vbs_str> names;
    for (const auto& l : layers) names.push_back(str(l));
    const vbs_remove_args args{sizeof args, static_cast<uint32_t>(kind), str(id), str(refs), names.data(),
                               names.size()};
    context.run(table_.remove, instance_, context.raw(), &args);
  }

  StorageChange extend(const Call& call, const std::string& id, const std::string& refs, uint64_t size_bytes,
                       bool in_use) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "extend");
    const vbs_extend_args args{sizeof args, in_use, str(id), str(refs), size_bytes};
    context.run(table_.extend, instance_, context.raw(), &args);
    auto change = take_change(context, {id});
    require(context, change, id, ObjectKind::volume, size_bytes);
    return change;
  }

  StorageChange snapshot_prepare(const Call& call, const std::vector<SnapshotArgs>& list) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "snapshot_prepare");
    const auto args = snapshot_args(list);
    context.run(table_.snapshot_prepare, instance_, context.raw(), args.data(), args.size());
    return take_change(context, ids_of(list));
  }

  StorageChange snapshot_take(const Call& call, const std::vector<SnapshotArgs>& list) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "snapshot_take");
    const auto args = snapshot_args(list);
    context.run(table_.snapshot_take, instance_, context.raw(), args.data(), args.size());
    auto change = take_change(context, ids_of(list));
    for (const auto& s : list) require(context, change, s.id, ObjectKind::snapshot, 0);
    return change;
  }

  void snapshot_finish(const Call& call, const std::vector<SnapshotArgs>& list, bool commit) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "snapshot_finish");
    const auto args = snapshot_args(list);
    context.run(table_.snapshot_finish, instance_, context.raw(), args.data(), args.size(), int32_t{commit});
  }

  StorageChange revert(const Call& call, const RevertArgs& a) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "revert");
    vbs_snapshot_args args{};
    args.size = sizeof args;
    args.id = str(a.id);
    args.volume_id = str(a.volume_id);
    args.volume_refs = str(a.volume_refs);
    args.snapshot_id = str(a.snapshot_id);
    args.snapshot_refs = str(a.snapshot_refs);
    context.run(table_.revert, instance_, context.raw(), &args);
    auto change = take_change(context, {a.volume_id});
    require(context, change, a.volume_id, ObjectKind::volume, 0);
    return change;
  }

  StorageChange flatten(const Call& call, const FlattenArgs& a) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "flatten");
    const vbs_flatten_args args{sizeof args, a.in_use, str(a.id), str(a.volume_id), str(a.volume_refs)};
    context.run(table_.flatten, instance_, context.raw(), &args);
    auto change = take_change(context, {a.volume_id});
    if (!a.in_use || !change.objects.empty()) require(context, change, a.volume_id, ObjectKind::volume, 0);
    return change;
  }

  Connection export_object(const Call& call, const ExportArgs& a) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "export");
    CallContext::hide(context.raw(), {a.secret});
    const auto args = export_args(a);
    context.run(table_.export_object, instance_, context.raw(), &args);
    if (context.results().connections.size() != 1) context.wrong_answer("exactly one CONNECTION was expected");
    auto& connection = context.results().connections[0];
    if (a.mode == Mode::ro && connection.mode == Mode::rw)
      context.wrong_answer("a read-only export was asked for, a writable one was made");
    return std::move(connection);
  }

  void unexport(const Call& call, const ExportArgs& a) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "unexport");
    CallContext::hide(context.raw(), {a.secret});
    const auto args = export_args(a);
    context.run(table_.unexport, instance_, context.raw(), &args);
  }

  bool live_sessions(const Call& call, const ExportArgs& a) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "live_sessions");
    CallContext::hide(context.raw(), {a.secret});
    const auto args = export_args(a);
    const auto status = context.ask(table_.live_sessions, instance_, context.raw(), &args);
    if (status == VBS_NOT_FOUND) return false;
    context.check(status);
    return true;
  }

  StorageListing list(const Call& call) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "list");
    context.run(table_.list, instance_, context.raw());
    auto& r = context.results();
    check_unique(context, r.objects);
    check_unique(context, r.layers);
    return {std::move(r.objects), std::move(r.layers), std::move(r.leftovers)};
  }

  std::optional<ObjectState> inspect(const Call& call, ObjectKind kind, const std::string& id,
                                     const std::string& refs) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "inspect");
    const auto status =
        context.ask(table_.inspect, instance_, context.raw(), static_cast<uint32_t>(kind), str(id), str(refs));
    if (status == VBS_NOT_FOUND) return std::nullopt;
    context.check(status);
    auto& objects = context.results().objects;
    if (objects.size() != 1 || objects[0].id != id || objects[0].kind != kind)
      context.wrong_answer(fmt::format("exactly one OBJECT, of {}, was expected", id));
    return std::move(objects[0]);
  }

  void discard(const Call& call, const std::string& leftover) override {
    const auto pass = gate_.enter(call);
    CallContext context(host_, call, "discard");
    context.run(table_.discard, instance_, context.raw(), str(leftover));
  }

 private:
  static void check_unique(const CallContext& context, const std::vector<ObjectState>& objects) {
    std::set<std::pair<ObjectKind, std::string>> seen;
    for (const auto& o : objects)
      if (!seen.emplace(o.kind, o.id).second) context.wrong_answer(fmt::format("it named the object {} twice", o.id));
  }

  static void check_unique(const CallContext& context, const std::vector<LayerState>& layers) {
    std::set<std::string> names;
    for (const auto& l : layers)
      if (!names.insert(l.name).second) context.wrong_answer(fmt::format("it named the layer {} twice", l.name));
  }

  // Refs go into the store by id: an object that nobody asked about must not get in.
  static StorageChange take_change(CallContext& context, const std::set<std::string>& allowed) {
    auto& r = context.results();
    check_unique(context, r.objects);
    for (const auto& o : r.objects)
      if (!allowed.count(o.id))
        context.wrong_answer(fmt::format("it changed the object {}, which the call is not about", o.id));
    check_unique(context, r.layers);
    return {std::move(r.objects), std::move(r.layers)};
  }

  static void require(const CallContext& context, const StorageChange& change, const std::string& id, ObjectKind kind,
                      uint64_t least_bytes) {
    const auto* object = change.find(id);
    if (!object || object->kind != kind) context.wrong_answer(fmt::format("it did not answer the object {}", id));
    if (object->size_bytes < least_bytes)
      context.wrong_answer(
          fmt::format("{} bytes were asked for, the object {} has {}", least_bytes, id, object->size_bytes));
  }

  static std::set<std::string> ids_of(const std::vector<SnapshotArgs>& list) {
    std::set<std::string> ids;
    for (const auto& s : list) ids.insert({s.id, s.volume_id});
    return ids;
  }

  static std::vector<vbs_snapshot_args> snapshot_args(const std::vector<SnapshotArgs>& list) {
    std::vector<vbs_snapshot_args> out;
    for (const auto& s : list)
      out.push_back(
          {sizeof(vbs_snapshot_args), s.in_use, str(s.id), str(s.volume_id), str(s.volume_refs), str(s.facts), {}, {}});
    return out;
  }

  static vbs_export_args export_args(const ExportArgs& a) {
    return {sizeof(vbs_export_args),
            a.mode == Mode::rw ? VBS_MODE_RW : VBS_MODE_RO,
            str(a.export_id),
            str(a.volume_id),
            str(a.volume_refs),
            str(a.host),
            str(a.initiator),
            str(a.refs),
            str(a.secret)};
  }

  const vbs_storage_table& table_;
  const HostServices& host_;
  void* const instance_;
  const InstanceFacts facts_;
  CallGate gate_;
};
}  // namespace

std::unique_ptr<StorageBackend> open_local_storage(LoadedPlugin& plugin, const HostServices& host,
                                                   const std::string& id, const std::string& config) {
  const auto& table = plugin.storage();
  Call call;
  call.id = "open";
  CallContext context(host, call, "open");
  void* instance = nullptr;
  const auto status = context.ask(table.open, host.table(), context.raw(), str(id), str(config), &instance);
  auto facts = context.take_instance(status, instance, table.close);
  return std::make_unique<LocalStorage>(table, host, instance, std::move(facts));
}

}  // namespace vbs
