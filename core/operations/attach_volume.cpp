// attach-volume: export (once per volume and host) -> connect -> plug into the VM. The object is the attachment.
//
// The rule, decided here and nowhere else: any number of `ro` VMs, or one `rw` VM. Failure undoes all of it: the record
// goes too.
#include "core/base/clock.hpp"
#include "core/base/ids.hpp"
#include "core/operations/export_use.hpp"
#include "core/operations/support.hpp"

namespace vbs {
namespace {
class AttachVolume : public OperationKind {
 public:
  std::string name() const override { return "attach-volume"; }

  std::vector<LockRequest> locks(store::Session& db, const store::OperationRow& o) const override {
    return attachment_locks(attachment_of(db, o));
  }
  void admit(store::Tx& tx, store::OperationRow& o) const override {
    const auto a = attachment_of(tx.db, o);
    store::refuse_drained(tx.db, "host", a.host_id, store::host_name(tx.db, a.host_id));
    check(tx.db, a);
  }
  void begin(store::Tx& tx, store::OperationRow& o) const override {
    auto a = attachment_of(tx.db, o);
    available(store::find_volume(tx.db, a.volume_id), a.volume_id, "volume", "attached");
    a.export_id = choose_export(tx, a);
    store::update_attachment(tx, a);
  }

  std::vector<Step> steps(store::Session& db, Registry& registry, const store::OperationRow& o) const override {
    const auto a = attachment_of(db, o);
    auto* backend = &registry.backend(volume_of(db, a.volume_id).backend_id);
    auto* host = &registry.host(a.host_id);

    Step make{"export", &backend->slot.pool(), nullptr, nullptr};
    make.run = [backend](const StepContext& c) { return make_export(c, *backend, attachment_of(c)); };
    make.undo = [backend](const StepContext& c) { return drop_export(c, *backend, attachment_of(c)); };

    Step plug{"plug", &host->slot.pool(), nullptr, nullptr};
    plug.run = [host](const StepContext& c) -> Commit {
      auto attachment = attachment_of(c);
      const auto connection = connection_of(c, attachment);
      DiskSpec disk;
      disk.vm_uuid = attachment.vm_uuid;
      disk.serial = attachment.volume_id;
      disk.device = attachment.device;
      disk.mode = attachment.mode == "rw" ? Mode::rw : Mode::ro;
      disk.source = host->connector(connection.kind).connect(c.call, connection, attachment.volume_id);
      attachment.device = host->slot.plugin().attach(c.call, disk).device;
      return [attachment](store::Tx& tx) { store::update_attachment(tx, attachment); };
    };
    plug.undo = [host](const StepContext& c) -> Commit {
      const auto attachment = attachment_of(c);
      host->slot.plugin().detach(c.call, attachment.vm_uuid, attachment.volume_id, false);
      let_go(c, *host, attachment);
      return nullptr;
    };
    return {make, plug};
  }

  void succeed(store::Tx& tx, const store::OperationRow& o) const override {
    auto a = attachment_of(tx.db, o);
    a.state = "attached";
    a.operation_id.clear();
    store::update_attachment(tx, a);
  }
  void fail(store::Tx& tx, const store::OperationRow& o, const Error&) const override {
    if (const auto a = store::find_attachment(tx.db, o.object_id)) forget_planned_export(tx, a->export_id);
    store::delete_attachment(tx, o.object_id);
  }

 private:
  static store::AttachmentRow attachment_of(store::Session& db, const store::OperationRow& o) {
    return vbs::attachment_of(db, o.object_id);
  }
  static store::AttachmentRow attachment_of(const StepContext& c) {
    return c.database.read([&](store::Session& db) { return vbs::attachment_of(db, c.operation.object_id); });
  }

  static void check(store::Session& db, const store::AttachmentRow& a) {
    available(store::find_volume(db, a.volume_id), a.volume_id, "volume", "attached");
    for (const auto& other : store::attachments_of(db, a.volume_id)) {
      if (other.id == a.id) continue;
      if (other.host_id == a.host_id && other.vm_uuid == a.vm_uuid)
        throw Error(Code::conflict, "volume " + a.volume_id + " is already " + other.state + " to " +
                                        describe(db, other, a.project_id));
      if (a.mode == "rw" || other.mode == "rw")
        throw Error(Code::conflict,
                    "volume " + a.volume_id + " is attached to " + describe(db, other, a.project_id) + ": " +
                        (other.mode == "rw" ? "a writer excludes everybody else" : "a writer needs it alone"));
    }
  }
};
}  // namespace

const OperationKind& attach_volume_kind() {
  static const AttachVolume kind;
  return kind;
}
}  // namespace vbs
