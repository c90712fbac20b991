// delete-volume and delete-snapshot: deleting -> gone. The record goes last, and only after the back-end said that the
// data is gone; a failed delete keeps it as `failed` with the reason, to be deleted again. Layers that others stand on
// stay, hidden.
#include "core/operations/support.hpp"

namespace vbs {
namespace {
class DeleteObject : public OperationKind {
 public:
  explicit DeleteObject(ObjectKind kind) : kind_(kind), word_(kind == ObjectKind::volume ? "volume" : "snapshot") {}
  std::string name() const override { return "delete-" + word_; }
  bool cancellable() const override { return false; }

  std::vector<LockRequest> locks(store::Session&, const store::OperationRow& o) const override {
    return {{word_ + ":" + o.object_id, true}};
  }

  void admit(store::Tx& tx, store::OperationRow& o) const override {
    const auto row = find(tx.db, o.object_id);
    if (!row) throw Error(Code::not_found, "there is no " + word_ + " " + o.object_id);
    if (row->lifecycle != "available" && row->lifecycle != "failed")
      throw Error(Code::conflict, word_ + " " + o.object_id + " is " + row->lifecycle + " and cannot be deleted now");
    if (kind_ == ObjectKind::volume) refuse_attached(tx.db, o.object_id, o.project_id);
    o.data = data_with({{"previous", row->lifecycle}, {"code", row->error_code}, {"message", row->error_message}});
    store::set_lifecycle(tx, kind_, o.object_id, "deleting");
  }

  void begin(store::Tx& tx, store::OperationRow& o) const override {
    store::set_operation(tx, kind_, o.object_id, o.id);
    store::drop_layers(tx, *find(tx.db, o.object_id));
  }

  std::vector<Step> steps(store::Session& db, Registry& registry, const store::OperationRow& o) const override {
    const auto row = *find(db, o.object_id);
    auto* backend = &registry.backend(row.backend_id);
    Step remove{"remove", &backend->slot.pool(), nullptr, nullptr};
    remove.forward_only = true;
    // Read here, where the transaction has the rows at hand; the lock keeps them as they are until the end.
    remove.run = [this, backend, refs = row.refs,
                  layers = store::dropped_layers(db, o.object_id)](const StepContext& c) -> Commit {
      const auto& id = c.operation.object_id;
      backend->slot.plugin().remove(c.call, kind_, id, refs, layers);
      return [this, id](store::Tx& tx) {
        store::forget_layers(tx, id);
        kind_ == ObjectKind::volume ? store::delete_volume(tx, id) : store::delete_snapshot(tx, id);
      };
    };
    return {remove};
  }

  void succeed(store::Tx&, const store::OperationRow&) const override {}
  void fail(store::Tx& tx, const store::OperationRow& o, const Error& e) const override {
    if (o.step_name.empty())
      return store::set_lifecycle(tx, kind_, o.object_id, data(o, "previous"), data(o, "code"),
                                  data(o, "message"));  // it never began
    store::set_lifecycle(tx, kind_, o.object_id, "failed", std::string(to_string(e.code())),
                         std::string("delete: ") + e.what());
  }

 private:
  std::optional<store::ObjectRow> find(store::Session& db, const std::string& id) const {
    if (kind_ == ObjectKind::volume) {
      if (auto r = store::find_volume(db, id)) return *r;
    } else if (auto r = store::find_snapshot(db, id)) {
      return *r;
    }
    return std::nullopt;
  }
  const ObjectKind kind_;
  const std::string word_;
};
}  // namespace

const OperationKind& delete_volume_kind() {
  static const DeleteObject kind(ObjectKind::volume);
  return kind;
}
const OperationKind& delete_snapshot_kind() {
  static const DeleteObject kind(ObjectKind::snapshot);
  return kind;
}
}  // namespace vbs
