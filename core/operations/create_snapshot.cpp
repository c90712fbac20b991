// create-snapshot: pending -> available. The plugin prepares (space, files), takes, and after the commit tidies. A
// guest that writes to the volume is held still at that instant, where its agent answers.
//
// Where a back-end cannot share extents, a volume that a guest writes to goes over to a new file under it: prepared by
// the plugin, switched to by the hypervisor, and only then recorded by take. The switch is decisive: refused, all is
// undone; done, everything after it is forward only, for the guest's newest data is in the new file. Readers keep the
// file that they have: it is frozen, and nobody can write while they are there. Params: by_switch ("yes").
#include "core/operations/export_use.hpp"
#include "core/operations/guests.hpp"
#include "core/operations/support.hpp"
#include "core/operations/switch_image.hpp"
#include "vbs/plugin/storage.h"

namespace vbs {
namespace {
constexpr std::chrono::hours kCopyLimit{24};

class CreateSnapshot : public OperationKind {
 public:
  std::string name() const override { return "create-snapshot"; }

  std::vector<LockRequest> locks(store::Session& db, const store::OperationRow& o) const override {
    const auto volume_id = snapshot_of(db, o.object_id).volume_id;
    std::vector<LockRequest> out{{"snapshot:" + o.object_id, true}, {"volume:" + volume_id, true}};
    const bool begun = !o.step_name.empty();
    for (const auto& a : store::attachments_of(db, volume_id))
      // One that came after this operation had begun waits for it, and its VM may be locked by another.
      if (a.mode == "rw" && (!begun || a.state != "attaching")) out.push_back(vm_lock(a));
    return out;
  }
  void admit(store::Tx& tx, store::OperationRow& o) const override { check_volume(tx.db, o); }
  void begin(store::Tx& tx, store::OperationRow& o) const override {
    check_volume(tx.db, o);
    const auto volume_id = snapshot_of(tx.db, o.object_id).volume_id;
    store::set_operation(tx, ObjectKind::snapshot, o.object_id, o.id);
    store::set_operation(tx, ObjectKind::volume, volume_id, o.id);
    // Decided once: a restart must find the same steps.
    const bool switches = param(o, "by_switch") == "yes" && !writers_of(tx.db, volume_id).empty();
    o.data = data_with({{"volume_refs", volume_of(tx.db, volume_id).refs}, {"switches", switches ? "yes" : "no"}});
  }

  std::vector<Step> steps(store::Session& db, Registry& registry, const store::OperationRow& o) const override {
    const auto snapshot = snapshot_of(db, o.object_id);
    auto* backend = &registry.backend(snapshot.backend_id);
    Step tidy{"tidy", &backend->slot.pool(), nullptr, nullptr};
    tidy.forward_only = true;
    tidy.run = [backend](const StepContext& c) -> Commit {
      backend->slot.plugin().snapshot_finish(c.call, arguments(c), true);
      return nullptr;
    };
    if (data(o, "switches") != "yes") return {take_at_once(backend), tidy};

    auto out = switch_steps(db, registry, *backend, snapshot.volume_id, [](const StepContext& c, Backend& b) {
      return b.slot.plugin().snapshot_prepare(c.call, arguments(c));
    });
    out.front().undo = [backend](const StepContext& c) { return abandon(c, *backend); };
    Step take{"take", &backend->slot.pool(), nullptr, nullptr};
    take.forward_only = true;
    take.run = [backend, volume_id = snapshot.volume_id](const StepContext& c) {
      return record_switch(c, *backend, volume_id,
                           [&] { return backend->slot.plugin().snapshot_take(c.call, arguments(c)); });
    };
    out.push_back(take);
    out.push_back(tidy);
    return out;
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
  // Of a volume that nobody writes to, or whose extents can be shared under the guest.
  static Step take_at_once(Backend* backend) {
    Step take{"take", &backend->slot.pool(), nullptr, nullptr};
    take.limit = kCopyLimit;
    take.run = [backend](const StepContext& c) -> Commit {
      auto& plugin = backend->slot.plugin();
      const auto args = arguments(c);
      plugin.snapshot_prepare(c.call, args);
      StorageChange taken;
      while_frozen(c, writers_of(c, args.front().volume_id), [&] { taken = plugin.snapshot_take(c.call, args); });
      return [id = backend->row.id, taken = std::move(taken)](store::Tx& tx) { store::apply(tx, id, taken); };
    };
    take.undo = [backend](const StepContext& c) { return abandon(c, *backend); };
    return take;
  }

  static Commit abandon(const StepContext& c, Backend& backend) {
    const auto args = arguments(c);
    // The first try has thawed what it froze; of a later one it is not known.
    if (c.call.epoch > 1)
      for (const auto& w : writers_of(c, args.front().volume_id)) thaw(c, w);
    backend.slot.plugin().snapshot_finish(c.call, args, false);
    return nullptr;
  }

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
