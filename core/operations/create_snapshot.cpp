// create-snapshot: pending -> available. The plugin prepares (space, files), takes, and after the commit tidies.
#include "core/operations/support.hpp"
#include "vbs/plugin/storage.h"

namespace vbs {
namespace {
constexpr std::chrono::hours kCopyLimit{24};

class CreateSnapshot : public OperationKind {
 public:
  std::string name() const override { return "create-snapshot"; }

  std::vector<LockRequest> locks(store::Session& db, const store::OperationRow& o) const override {
    return {{"snapshot:" + o.object_id, true}, {"volume:" + snapshot_of(db, o.object_id).volume_id, true}};
  }
  void admit(store::Tx& tx, store::OperationRow& o) const override { check_volume(tx.db, o); }
  void begin(store::Tx& tx, store::OperationRow& o) const override {
    check_volume(tx.db, o);
    const auto volume_id = snapshot_of(tx.db, o.object_id).volume_id;
    store::set_operation(tx, ObjectKind::snapshot, o.object_id, o.id);
    store::set_operation(tx, ObjectKind::volume, volume_id, o.id);
    o.data = data_with({{"volume_refs", volume_of(tx.db, volume_id).refs}});
  }

  std::vector<Step> steps(store::Session& db, Registry& registry, const store::OperationRow& o) const override {
    auto* backend = &registry.backend(snapshot_of(db, o.object_id).backend_id);
    Step take{"take", &backend->slot.pool(), nullptr, nullptr};
    take.limit = kCopyLimit;
    take.run = [backend](const StepContext& c) -> Commit {
      auto& plugin = backend->slot.plugin();
      const auto args = arguments(c);
      if (args.front().in_use && !plugin.has(VBS_CAP_REFLINK))
        throw Error(Code::conflict, "volume " + args.front().volume_id + " is attached, and back-end '" +
                                        backend->row.name +
                                        "' cannot snapshot a volume in use (no reflink): detach it first");
      auto prepared = plugin.snapshot_prepare(c.call, args);
      auto taken = plugin.snapshot_take(c.call, args);
      return [id = backend->row.id, taken = std::move(taken)](store::Tx& tx) { store::apply(tx, id, taken); };
    };
    take.undo = [backend](const StepContext& c) -> Commit {
      backend->slot.plugin().snapshot_finish(c.call, arguments(c), false);
      return nullptr;
    };
    Step tidy{"tidy", &backend->slot.pool(), nullptr, nullptr};
    tidy.forward_only = true;
    tidy.run = [backend](const StepContext& c) -> Commit {
      backend->slot.plugin().snapshot_finish(c.call, arguments(c), true);
      return nullptr;
    };
    return {take, tidy};
  }

  void succeed(store::Tx& tx, const store::OperationRow& o) const override {
    store::set_lifecycle(tx, ObjectKind::snapshot, o.object_id, "available");
    store::set_operation(tx, ObjectKind::volume, snapshot_of(tx.db, o.object_id).volume_id, "");
  }
  void fail(store::Tx& tx, const store::OperationRow& o, const Error& e) const override {
    store::set_lifecycle(tx, ObjectKind::snapshot, o.object_id, "failed", std::string(to_string(e.code())), e.what());
    if (!o.step_name.empty())
      store::set_operation(tx, ObjectKind::volume, snapshot_of(tx.db, o.object_id).volume_id, "");
  }

 private:
  static void check_volume(store::Session& db, const store::OperationRow& o) {
    const auto id = snapshot_of(db, o.object_id).volume_id;
    available(store::find_volume(db, id), id, "volume", "snapshotted");
  }
  // In all three calls the volume's refs are those from before the snapshot; the commit of `take` moves them on, so the
  // journal keeps them from the beginning.
  static std::vector<SnapshotArgs> arguments(const StepContext& c) {
    SnapshotArgs a;
    c.database.snapshot([&](store::Session& db) {
      const auto snapshot = snapshot_of(db, c.operation.object_id);
      a = {snapshot.id, snapshot.volume_id, data(c.operation, "volume_refs"), in_use(db, snapshot.volume_id),
           facts_of(db, snapshot)};
    });
    return {a};
  }
};
}  // namespace

const OperationKind& create_snapshot_kind() {
  static const CreateSnapshot kind;
  return kind;
}
}  // namespace vbs
