// revert-volume: a volume that nobody uses gets the data of its latest snapshot; its size stays. The back-end makes a
// new file, the commit publishes it, and what the volume had before is removed after that. Params: snapshot_id.
#include "core/operations/support.hpp"

namespace vbs {
namespace {
constexpr std::chrono::hours kCopyLimit{24};  // where the back-end cannot share data, the snapshot is copied

class RevertVolume : public OperationKind {
 public:
  std::string name() const override { return "revert-volume"; }

  std::vector<LockRequest> locks(store::Session&, const store::OperationRow& o) const override {
    return {{"volume:" + o.object_id, true}, {"snapshot:" + param(o, "snapshot_id"), false}};
  }
  void admit(store::Tx& tx, store::OperationRow& o) const override { check(tx.db, o); }
  void begin(store::Tx& tx, store::OperationRow& o) const override {
    check(tx.db, o);
    store::set_operation(tx, ObjectKind::volume, o.object_id, o.id);
  }

  std::vector<Step> steps(store::Session& db, Registry& registry, const store::OperationRow& o) const override {
    auto* backend = &registry.backend(volume_of(db, o.object_id).backend_id);
    Step revert{"revert", &backend->slot.pool(), nullptr, nullptr};
    revert.limit = kCopyLimit;
    revert.run = [backend](const StepContext& c) -> Commit {
      const auto& volume_id = c.operation.object_id;
      RevertArgs args;
      c.database.snapshot([&](store::Session& s) {
        const auto snapshot = snapshot_of(s, param(c.operation, "snapshot_id"));
        args = {c.operation.id, volume_id, volume_of(s, volume_id).refs, snapshot.id, snapshot.refs};
      });
      auto change = backend->slot.plugin().revert(c.call, args);
      return [volume_id, id = backend->row.id, change = std::move(change)](store::Tx& tx) {
        const auto before = volume_of(tx.db, volume_id);
        store::apply(tx, id, change);
        store::drop_unused_layers(tx, before);
      };
    };
    revert.undo = [backend](const StepContext& c) -> Commit {
      // What a try made is named after this operation.
      backend->slot.plugin().remove(c.call, ObjectKind::volume, c.operation.id, "", {});
      return nullptr;
    };
    return {revert, tidy_step(*backend)};
  }

  void succeed(store::Tx& tx, const store::OperationRow& o) const override {
    store::set_operation(tx, ObjectKind::volume, o.object_id, "");
  }
  void fail(store::Tx& tx, const store::OperationRow& o, const Error&) const override {
    if (!o.step_name.empty()) store::set_operation(tx, ObjectKind::volume, o.object_id, "");
  }

 private:
  static void check(store::Session& db, const store::OperationRow& o) {
    const auto snapshot_id = param(o, "snapshot_id");
    available(store::find_volume(db, o.object_id), o.object_id, "volume", "reverted");
    const auto row = store::find_snapshot(db, snapshot_id);
    const auto& snapshot = available(row, snapshot_id, "snapshot", "reverted to");
    if (snapshot.volume_id != o.object_id)
      throw Error(Code::invalid, "snapshot " + snapshot_id + " is not one of volume " + o.object_id, "snapshot_id");
    refuse_attached(db, o.object_id, o.project_id);
    store::Filter newer;
    newer.volume_id = o.object_id;
    newer.lifecycle = "available";
    newer.after_seq = snapshot.seq;
    newer.limit = 1;
    const auto later = store::list_snapshots(db, newer);
    if (!later.empty())
      throw Error(Code::conflict, "snapshot " + snapshot_id + " is not the latest of volume " + o.object_id + ": " +
                                      later.front().id +
                                      " was taken after it; delete those after it, or make a volume from it");
  }
};
}  // namespace

const OperationKind& revert_volume_kind() {
  static const RevertVolume kind;
  return kind;
}
}  // namespace vbs
