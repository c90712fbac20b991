// move-attachment: a VM is migrated live, by the operator. Export on the second host -> wait until the VM runs there
// with the volume, and no more on the first -> the attachment is the second host's -> out of what the first one has
// left of the VM -> the first export away if nobody else uses it. The object is the attachment. Params: from, to (host
// ids).
//
// This is the one case in which a writer has two exports. It is one VM all the time, and its lock keeps everything else
// off it, so nothing is attached or detached meanwhile. The lock is shared, for a VM with several volumes has several
// moves at once.
//
// The wait has no limit; a cancel ends it while the VM has not gone over. Then the VM's host is what is true, and the
// move can only be finished, or the VM brought back.
#include "core/base/clock.hpp"
#include "core/operations/export_use.hpp"
#include "core/operations/support.hpp"

namespace vbs {
namespace {
// The attachment as it is, or will be, on `host_id`; made from both hosts' facts, so that it is the same before and
// after the store has changed it.
store::AttachmentRow on_host(store::AttachmentRow a, const store::OperationRow& o, bool second) {
  a.host_id = param(o, second ? "to" : "from");
  a.export_id = data(o, second ? "export" : "former_export");
  return a;
}

store::AttachmentRow attachment(const StepContext& c, bool second) {
  return on_host(c.database.read([&](store::Session& db) { return vbs::attachment_of(db, c.operation.object_id); }),
                 c.operation, second);
}

// The volume as a disk of the running VM on that host; nullopt: the VM is not there, does not run or does not have it.
std::optional<Disk> live_disk(const StepContext& c, const Host& host, const store::AttachmentRow& a) {
  try {
    for (const auto& d : host.slot.plugin().inspect(c.call, a.vm_uuid))
      if (d.serial == a.volume_id && d.live) return d;
  } catch (const Error& e) {
    if (e.code() != Code::not_found) throw;
  }
  return std::nullopt;
}

// A host that does not answer ends no wait for a migration: the VM may be half-way, and nobody knows.
template <class F>
auto patiently(F f) {
  try {
    return f();
  } catch (const Error& e) {
    if (e.code() != Code::unavailable && e.code() != Code::busy) throw;
    throw Error(Code::unknown_outcome, e.what());
  }
}

class MoveAttachment : public OperationKind {
 public:
  std::string name() const override { return "move-attachment"; }

  std::vector<LockRequest> locks(store::Session& db, const store::OperationRow& o) const override {
    const auto a = vbs::attachment_of(db, o.object_id);
    std::vector<LockRequest> out{{"volume:" + a.volume_id, false}};
    for (const bool second : {false, true}) {
      const auto there = on_host(a, o, second);
      out.push_back({"export:" + a.volume_id + "/" + there.host_id, true});
      out.push_back(vm_lock(there));
      out.back().exclusive = false;
    }
    return out;
  }

  void admit(store::Tx& tx, store::OperationRow& o) const override {
    auto a = store::find_attachment(tx.db, o.object_id);
    if (!a) throw Error(Code::not_found, "there is no such attachment");
    if (a->state != "attached")
      throw Error(Code::conflict,
                  "volume " + a->volume_id + " is just " + a->state + ": " + describe(tx.db, *a, o.project_id));
    store::refuse_drained(tx.db, "host", param(o, "to"), store::host_name(tx.db, param(o, "to")));
    for (const auto& other : store::attachments_of(tx.db, a->volume_id))
      if (other.id != a->id && other.host_id == param(o, "to") && other.vm_uuid == a->vm_uuid)
        throw Error(Code::conflict, "volume " + a->volume_id + " is " + other.state +
                                        " there already: " + describe(tx.db, other, o.project_id));
    a->state = "moving";
    a->operation_id = o.id;
    a->error_code.clear();
    a->error_message.clear();
    store::update_attachment(tx, *a);
  }
  void begin(store::Tx& tx, store::OperationRow& o) const override {
    auto a = vbs::attachment_of(tx.db, o.object_id);
    const auto former = a.export_id;
    a.host_id = param(o, "to");
    o.data = data_with({{"export", choose_export(tx, a)}, {"former_export", former}});
  }

  std::vector<Step> steps(store::Session& db, Registry& registry, const store::OperationRow& o) const override {
    const auto a = vbs::attachment_of(db, o.object_id);
    auto* backend = &registry.backend(volume_of(db, a.volume_id).backend_id);
    auto *first = &registry.host(param(o, "from")), *second = &registry.host(param(o, "to"));

    Step make{"export", &backend->slot.pool(), nullptr, nullptr};
    make.run = [backend](const StepContext& c) { return make_export(c, *backend, attachment(c, true)); };
    make.undo = [backend](const StepContext& c) { return drop_export(c, *backend, attachment(c, true)); };

    Step follow{"follow", &second->slot.pool(), nullptr, nullptr};
    follow.run = [first, second](const StepContext& c) {
      return patiently([&] { return arrived(c, *first, *second); });
    };
    follow.undo = [second](const StepContext& c) -> Commit {
      const auto there = attachment(c, true);
      if (live_disk(c, *second, there))
        throw Error(Code::unknown_outcome, "VM " + there.vm_name + " is on host " + second->row.name +
                                               " by now: it can go no other way than back; migrate it to where it was");
      let_go(c, *second, there);
      return nullptr;
    };

    Step leave{"leave", &first->slot.pool(), nullptr, nullptr};
    leave.forward_only = true;
    leave.run = [first](const StepContext& c) -> Commit {
      const auto former = attachment(c, false);
      if (live_disk(c, *first, former))
        throw Error(Code::unknown_outcome,
                    "VM " + former.vm_name + " is on host " + first->row.name +
                        " again: migrate it to where it had gone, then move the attachment back");
      // The VM that has gone may have left a definition; nothing of it runs.
      first->slot.plugin().detach(c.call, former.vm_uuid, former.volume_id, false);
      let_go(c, *first, former);
      return nullptr;
    };
    Step drop{"unexport", &backend->slot.pool(), nullptr, nullptr};
    drop.forward_only = true;
    drop.run = [backend](const StepContext& c) { return drop_export(c, *backend, attachment(c, false)); };
    return {make, follow, leave, drop};
  }

  void succeed(store::Tx& tx, const store::OperationRow& o) const override { rest(tx, o, nullptr); }
  void fail(store::Tx& tx, const store::OperationRow& o, const Error& e) const override {
    forget_planned_export(tx, data(o, "export"));
    rest(tx, o, &e);
  }

 private:
  static Commit arrived(const StepContext& c, const Host& first, const Host& second) {
    auto there = attachment(c, true);
    const auto connection = connection_of(c, there);
    second.connector(connection.kind).connect(c.call, connection, there.volume_id);
    const auto disk = live_disk(c, second, there);
    if (!disk || live_disk(c, first, there))
      throw Error(Code::unknown_outcome, "VM " + there.vm_name + " has not gone from host " + first.row.name + " to " +
                                             second.row.name +
                                             " yet: migrate it now; this goes on by itself when it has arrived");
    there.device = disk->device;
    return [there, from = first.row.id](store::Tx& tx) {
      store::update_attachment(tx, there);
      const auto owner = store::vm_owner(tx.db, from, there.vm_uuid);
      if (owner && !store::vm_owner(tx.db, there.host_id, there.vm_uuid))
        store::set_vm_owner(tx, there.host_id, there.vm_uuid, *owner);
    };
  }

  static void rest(store::Tx& tx, const store::OperationRow& o, const Error* error) {
    auto a = vbs::attachment_of(tx.db, o.object_id);
    a.state = "attached";
    a.operation_id.clear();
    if (error) {
      a.error_code = to_string(error->code());
      a.error_message = std::string("move: ") + error->what();
    }
    store::update_attachment(tx, a);
  }
};
}  // namespace

const OperationKind& move_attachment_kind() {
  static const MoveAttachment kind;
  return kind;
}
}  // namespace vbs
