// extend-volume: the back-end grows the volume, then each VM that writes to it is told. Params: size_bytes. Size never
// shrinks, so after the first step there is no way back: a VM that cannot be told now is told again.
#include <fmt/format.h>

#include "core/operations/export_use.hpp"
#include "core/operations/support.hpp"

namespace vbs {
namespace {
class ExtendVolume : public OperationKind {
 public:
  std::string name() const override { return "extend-volume"; }
  bool cancellable() const override { return false; }

  std::vector<LockRequest> locks(store::Session& db, const store::OperationRow& o) const override {
    std::vector<LockRequest> out{{"volume:" + o.object_id, true}};
    const bool begun = !o.step_name.empty();
    for (const auto& a : store::attachments_of(db, o.object_id))
      // One that came after this operation had begun waits for it, and its VM may be locked by another.
      if (!begun || a.state != "attaching") out.push_back(vm_lock(a));
    return out;
  }
  void admit(store::Tx& tx, store::OperationRow& o) const override { check(tx.db, o); }
  void begin(store::Tx& tx, store::OperationRow& o) const override {
    check(tx.db, o);
    store::set_operation(tx, ObjectKind::volume, o.object_id, o.id);
  }

  std::vector<Step> steps(store::Session& db, Registry& registry, const store::OperationRow& o) const override {
    auto* backend = &registry.backend(volume_of(db, o.object_id).backend_id);
    const auto size = param_u64(o, "size_bytes");
    Step extend{"extend", &backend->slot.pool(), nullptr, nullptr};
    extend.run = [backend, size](const StepContext& c) -> Commit {
      std::string refs;
      bool in_use = false;
      c.database.snapshot([&](store::Session& s) {
        refs = volume_of(s, c.operation.object_id).refs;
        in_use = vbs::in_use(s, c.operation.object_id);
      });
      auto change = backend->slot.plugin().extend(c.call, c.operation.object_id, refs, size, in_use);
      return [id = backend->row.id, change = std::move(change)](store::Tx& tx) { store::apply(tx, id, change); };
    };
    std::vector<Step> out{extend};
    for (const auto& a : store::attachments_of(db, o.object_id)) {
      if (a.mode != "rw")
        continue;  // a read-only disk cannot be resized (QEMU): its VM sees the size at the next attach
      if (a.state == "attaching") continue;  // waits for this operation, and finds the new size
      auto* host = &registry.host(a.host_id);
      Step notify{"notify-" + a.vm_name, &host->slot.pool(), nullptr, nullptr};
      notify.forward_only = true;
      notify.run = [host, a, size](const StepContext& c) -> Commit {
        const auto connection = connection_of(c, a);
        host->connector(connection.kind).rescan(c.call, connection, size);
        host->slot.plugin().resize(c.call, a.vm_uuid, c.operation.object_id, size);
        return nullptr;
      };
      out.push_back(std::move(notify));
    }
    return out;
  }

  void succeed(store::Tx& tx, const store::OperationRow& o) const override {
    store::set_operation(tx, ObjectKind::volume, o.object_id, "");
  }
  void fail(store::Tx& tx, const store::OperationRow& o, const Error&) const override {
    if (!o.step_name.empty()) store::set_operation(tx, ObjectKind::volume, o.object_id, "");
  }

 private:
  static void check(store::Session& db, const store::OperationRow& o) {
    const auto row = store::find_volume(db, o.object_id);
    const auto& v = available(row, o.object_id, "volume", "extended");
    const auto wanted = param_u64(o, "size_bytes");
    if (wanted < static_cast<uint64_t>(v.size_bytes))
      throw Error(
          Code::invalid,
          fmt::format("'size_bytes' is {}, but the volume has {}: a volume can only grow", wanted, v.size_bytes),
          "size_bytes");
    // A qcow2 file is grown by the one who has it open; one that is only open for reading cannot be.
    bool any = false, writer = false;
    for (const auto& a : store::attachments_of(db, o.object_id)) {
      if (a.state == "attaching") continue;
      any = true;
      writer = writer || a.mode == "rw";
    }
    if (any && !writer && v.format == "qcow2")
      throw Error(Code::conflict, "volume " + o.object_id +
                                      " rests on shared layers and is attached read-only: detach it to extend it");
  }
};
}  // namespace

const OperationKind& extend_volume_kind() {
  static const ExtendVolume kind;
  return kind;
}
}  // namespace vbs
