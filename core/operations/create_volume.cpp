// create_volume: pending -> available, or failed with the reason. Params: source_kind ("", "snapshot", "volume"),
// source_id. One step: the plugin makes the file; the commit of its refs is what publishes it.
#include "core/operations/support.hpp"
#include "vbs/plugin/storage.h"

namespace vbs {
namespace {
constexpr std::chrono::hours kCopyLimit{24};  // where the back-end cannot share data, a source is copied

class CreateVolume : public OperationKind {
 public:
  std::string name() const override { return "create-volume"; }

  std::vector<LockRequest> locks(store::Session&, const store::OperationRow& o) const override {
    std::vector<LockRequest> out{{"volume:" + o.object_id, true}};
    const auto kind = param(o, "source_kind");
    // A clone may move its source onto a new active layer; a volume from a snapshot only reads.
    if (!kind.empty()) out.push_back({kind + ":" + param(o, "source_id"), kind == "volume"});
    return out;
  }

  void admit(store::Tx& tx, store::OperationRow& o) const override { check_source(tx.db, o); }

  // The volume's row names this operation from its insertion on.
  void begin(store::Tx& tx, store::OperationRow& o) const override { check_source(tx.db, o); }

  std::vector<Step> steps(store::Session& db, Registry& registry, const store::OperationRow& o) const override {
    const auto volume = volume_of(db, o.object_id);
    auto* backend = &registry.backend(volume.backend_id);
    Step create{"create", &backend->slot.pool(), nullptr, nullptr};
    if (!param(o, "source_kind").empty()) create.limit = kCopyLimit;
    // Read here, where the transaction has the rows at hand; the locks keep them as they are until the end.
    create.run = [backend, args = arguments(db, o, volume)](const StepContext& c) -> Commit {
      auto change = backend->slot.plugin().create(c.call, args);
      return [id = backend->row.id, change = std::move(change)](store::Tx& tx) { store::apply(tx, id, change); };
    };
    create.undo = [backend](const StepContext& c) -> Commit {
      backend->slot.plugin().remove(c.call, ObjectKind::volume, c.operation.object_id, "", {});
      return nullptr;
    };
    return {create};
  }

  void succeed(store::Tx& tx, const store::OperationRow& o) const override {
    store::set_lifecycle(tx, ObjectKind::volume, o.object_id, "available");
  }
  void fail(store::Tx& tx, const store::OperationRow& o, const Error& e) const override {
    store::set_lifecycle(tx, ObjectKind::volume, o.object_id, "failed", std::string(to_string(e.code())), e.what());
  }

 private:
  static void check_source(store::Session& db, const store::OperationRow& o) {
    const auto kind = param(o, "source_kind"), id = param(o, "source_id");
    if (kind == "snapshot") available(store::find_snapshot(db, id), id, "snapshot", "used as a source");
    if (kind == "volume") available(store::find_volume(db, id), id, "volume", "used as a source");
  }

  static CreateArgs arguments(store::Session& db, const store::OperationRow& o, const store::VolumeRow& volume) {
    CreateArgs a;
    a.id = volume.id;
    a.size_bytes = static_cast<uint64_t>(volume.size_bytes);
    a.facts = facts_of(db, volume);
    const auto kind = param(o, "source_kind");
    a.source_id = param(o, "source_id");
    if (kind == "snapshot") {
      a.source_kind = ObjectKind::snapshot;
      a.source_refs = snapshot_of(db, a.source_id).refs;
    } else if (kind == "volume") {
      a.source_kind = ObjectKind::volume;
      a.source_refs = volume_of(db, a.source_id).refs;
      a.source_in_use = in_use(db, a.source_id);
    }
    return a;
  }
};
}  // namespace

const OperationKind& create_volume_kind() {
  static const CreateVolume kind;
  return kind;
}
}  // namespace vbs
