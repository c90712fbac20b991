// detach-volume: out of the VM and verified gone -> host lets go -> export away if nobody else uses it -> record. Never
// the other way round (CVE-2023-2088: an export that goes first leaves the host with a device that becomes somebody
// else's). A detach that fails leaves the volume attached, with the reason; nothing is ever shown as free that may not
// be. A forced detach whose host does not answer goes on at the target instead (fence.hpp). Params: force.
#include "core/operations/export_use.hpp"
#include "core/operations/fence.hpp"
#include "core/operations/support.hpp"

namespace vbs {
namespace {
class DetachVolume : public OperationKind {
 public:
  std::string name() const override { return "detach-volume"; }

  std::vector<LockRequest> locks(store::Session& db, const store::OperationRow& o) const override {
    return attachment_locks(vbs::attachment_of(db, o.object_id));
  }
  void admit(store::Tx& tx, store::OperationRow& o) const override {
    auto a = store::find_attachment(tx.db, o.object_id);
    if (!a) throw Error(Code::not_found, "there is no such attachment");
    if (a->state != "attached" && a->state != "failed")
      throw Error(Code::conflict,
                  "volume " + a->volume_id + " is just " + a->state + ": " + describe(tx.db, *a, o.project_id));
    o.data = data_with({{"previous", a->state}});
    a->state = "detaching";
    a->operation_id = o.id;
    a->error_code.clear();
    a->error_message.clear();
    store::update_attachment(tx, *a);
  }
  void begin(store::Tx&, store::OperationRow&) const override {}

  std::vector<Step> steps(store::Session& db, Registry& registry, const store::OperationRow& o) const override {
    const auto a = vbs::attachment_of(db, o.object_id);
    auto* backend = &registry.backend(volume_of(db, a.volume_id).backend_id);
    auto* host = &registry.host(a.host_id);
    const auto read = [](const StepContext& c) {
      return c.database.read([&](store::Session& s) { return vbs::attachment_of(s, c.operation.object_id); });
    };

    Step unplug{"unplug", &host->slot.pool(), nullptr, nullptr};
    unplug.run = [host, backend, read](const StepContext& c) -> Commit {
      const auto attachment = read(c);
      try {
        host->slot.plugin().detach(c.call, attachment.vm_uuid, attachment.volume_id,
                                   param(c.operation, "force") == "yes");
        let_go(c, *host, attachment);
      } catch (const Error& e) {
        if (!may_fence(*backend, c.operation, e)) throw;
        c.keep = data_with({{"previous", data(c.operation, "previous")}, {"fence", "yes"}});
      }
      return nullptr;
    };
    Step drop{"unexport", &backend->slot.pool(), nullptr, nullptr};
    drop.forward_only = true;
    drop.run = [backend, read](const StepContext& c) {
      return data(c.operation, "fence") == "yes" ? fence(c, *backend, read(c)) : drop_export(c, *backend, read(c));
    };
    return {unplug, drop};
  }

  void succeed(store::Tx& tx, const store::OperationRow& o) const override {
    store::delete_attachment(tx, o.object_id);
  }
  void fail(store::Tx& tx, const store::OperationRow& o, const Error& e) const override {
    auto a = vbs::attachment_of(tx.db, o.object_id);
    // Still in the VM as far as anybody knows, unless unplug had succeeded, now or in a detach before this one; then it
    // is not, and another detach ends the rest.
    a.state = o.step <= 0 ? data(o, "previous") : "failed";
    a.operation_id.clear();
    a.error_code = to_string(e.code());
    a.error_message = std::string("detach: ") + e.what();
    store::update_attachment(tx, a);
  }
};
}  // namespace

const OperationKind& detach_volume_kind() {
  static const DetachVolume kind;
  return kind;
}
}  // namespace vbs
