#include "core/service/reconcile.hpp"

#include <fmt/format.h>

#include <set>

#include "core/base/clock.hpp"
#include "core/base/log.hpp"
#include "core/operations/export_use.hpp"
#include "core/service/attachments.hpp"
#include "core/service/objects.hpp"
#include "core/service/plugin_calls.hpp"
#include "core/service/vm_watch.hpp"

namespace vbs {
namespace {

// What the store says, of one moment.
struct Desired {
  std::vector<store::VolumeRow> volumes;
  std::vector<store::SnapshotRow> snapshots;
  std::vector<store::AttachmentRow> attachments;
  std::vector<store::ExportRow> unused_exports;
};

Desired read_store(Core& core) {
  return core.database.snapshot([](store::Session& db) {
    Desired d;
    store::Filter all;
    all.limit = 1u << 30;
    d.volumes = store::list_volumes(db, all);
    d.snapshots = store::list_snapshots(db, all);
    d.attachments = store::list_attachments(db, all);
    d.unused_exports = store::unused_exports(db);
    return d;
  });
}

class Run {
 public:
  Run(Core& core, bool repair) : core_(core), repair_(repair), desired_(read_store(core)) {}

  ReconcileReport go() {
    report_.checked = {{"volumes", desired_.volumes.size()},
                       {"snapshots", desired_.snapshots.size()},
                       {"attachments", desired_.attachments.size()},
                       {"backends", core_.registry.backends().size()},
                       {"hosts", core_.registry.hosts().size()}};
    for (const auto& b : core_.registry.backends()) guarded("back-end " + b->row.name, [&] { check(*b); });
    for (const auto& h : core_.registry.hosts())
      if (!h->config.hypervisor.empty()) guarded("host " + h->row.name, [&] { check(*h); });
    check_exports();
    if (repair_) mend_all();
    return std::move(report_);
  }

 private:
  template <class F>
  void guarded(const std::string& where, F f) {
    try {
      f();
    } catch (const Error& e) {
      report_.unreachable.push_back(where + ": " + e.what());
    }
  }

  // Adds a finding. What mends it runs when everything has been compared: a repair is an operation, too, and would make
  // the rest of its object look as if it were in motion.
  void found(Finding f, std::function<void()> mend = nullptr) {
    // The store was read first and the back-end later: what an operation touched since then may rightly differ.
    if (core_.database.read([&](store::Session& db) { return store::touched_since(db, started_); }).count(f.object_id))
      return;
    report_.findings.push_back(std::move(f));
    mends_.push_back(std::move(mend));
  }

  void mend_all() {
    for (size_t i = 0; i < mends_.size(); ++i) {
      auto& f = report_.findings[i];
      if (!mends_[i]) continue;
      try {
        mends_[i]();
        f.repaired = true;
        logger().info("reconcile: {} {} at {}: {}", f.what, f.object_id, f.where, f.repair);
      } catch (const Error& e) {
        f.repair += std::string("; that failed: ") + e.what();
      }
    }
  }

  void check(Backend& backend) {
    const auto listing =
        on_backend<StorageListing>(backend, [](StorageBackend& p, const Call& c) { return p.list(c); });
    std::map<std::string, const ObjectState*> there;
    for (const auto& o : listing.objects) there[o.id] = &o;
    std::set<std::string> known;
    const auto compare = [&](const store::ObjectRow& row, const char* kind) {
      if (row.backend_id != backend.row.id) return;
      known.insert(row.id);
      const auto it = there.find(row.id);
      if (it == there.end()) {
        if (row.lifecycle == "available")
          found({"missing-file", backend.row.name, row.id,
                 fmt::format("{} is in the store, but the back-end has no data for it", kind),
                 "none: look for the data first", false});
      } else if (row.lifecycle == "available" && static_cast<uint64_t>(row.size_bytes) != it->second->size_bytes) {
        found({"size-differs", backend.row.name, row.id,
               fmt::format("{} bytes in the store, {} on the back-end", row.size_bytes, it->second->size_bytes),
               "none: extend it to the larger size", false});
      }
    };
    for (const auto& v : desired_.volumes) compare(v, "the volume");
    for (const auto& s : desired_.snapshots) compare(s, "the snapshot");
    for (const auto& [id, object] : there)
      if (!known.count(id))
        found({"unknown-object", backend.row.name, id, "the back-end has data that the store does not know",
               "none: it may be the only copy of something", false});
    for (const auto& l : listing.leftovers)
      found({"leftover-file", backend.row.name, l.object_id,
             fmt::format("{} belongs to no object ({} bytes)", l.name, l.allocated_bytes), "removes it", false},
            [&backend, name = l.name] {
              on_backend<int>(backend, [name](StorageBackend& p, const Call& c) { return p.discard(c, name), 0; });
            });
  }

  void check(Host& host) {
    std::set<std::string> ours;
    for (const auto& v : desired_.volumes) ours.insert(v.id);
    std::map<std::string, std::map<std::string, const store::AttachmentRow*>> wanted;  // VM -> volume -> attachment
    for (const auto& a : desired_.attachments)
      if (a.host_id == host.row.id) wanted[a.vm_uuid][a.volume_id] = &a;

    const auto vms = on_host<std::vector<Vm>>(host, [](Hypervisor& h, const Call& c) { return h.list_vms(c); });
    for (const auto& vm : vms) {
      const auto disks = on_host<std::vector<Disk>>(
          host, [uuid = vm.uuid](Hypervisor& h, const Call& c) { return h.inspect(c, uuid); });
      auto& of_vm = wanted[vm.uuid];
      std::set<std::string> plugged;
      for (const auto& d : disks) {
        if (d.serial.empty() || !ours.count(d.serial)) continue;
        plugged.insert(d.serial);
        const auto it = of_vm.find(d.serial);
        if (const auto* elsewhere = it == of_vm.end() ? attached_elsewhere(vm.uuid, d.serial) : nullptr)
          found({"vm-migrated", host.row.name, d.serial,
                 fmt::format("VM {} has it as {}, but it is attached to that VM on host {}", vm.name, d.device,
                             core_.registry.host(elsewhere->host_id).row.name),
                 fmt::format("none: vbs attachments move {} --from {} --to {}", d.serial,
                             core_.registry.host(elsewhere->host_id).row.name, host.row.name),
                 false});
        else if (it == of_vm.end())
          found({"disk-unknown", host.row.name, d.serial,
                 fmt::format("VM {} has it as {}, but no attachment says so", vm.name, d.device), "detaches it", false},
                [this, &host, uuid = vm.uuid, id = d.serial] {
                  for (const auto& a :
                       core_.database.read([&](store::Session& db) { return store::attachments_of(db, id); }))
                    if (a.host_id == host.row.id && a.vm_uuid == uuid)
                      throw Error(Code::conflict, "an attachment says so by now");
                  on_host<int>(host,
                               [uuid, id](Hypervisor& h, const Call& c) { return h.detach(c, uuid, id, false), 0; });
                });
        else if (to_string(d.mode) != it->second->mode)
          found({"mode-differs", host.row.name, d.serial,
                 fmt::format("VM {} has it {}, the attachment says {}", vm.name, to_string(d.mode), it->second->mode),
                 "none: detach and attach again", false});
      }
      for (const auto& [volume, a] : of_vm)
        if (!plugged.count(volume) && a->state == "attached")
          found({"disk-missing", host.row.name, volume,
                 fmt::format("attached to VM {}, which does not have it", vm.name), "ends the attachment", false},
                [this, id = a->id, volume_id = volume] { end_attachment(core_, "reconcile", id, volume_id); });
      wanted.erase(vm.uuid);
    }
    const auto everywhere = vms_of_all_hosts(core_);
    for (const auto& [uuid, of_vm] : wanted) {
      const bool certain = everywhere && !everywhere->count(uuid);
      for (const auto& [volume, a] : of_vm)
        found({"vm-gone", host.row.name, volume,
               fmt::format("attached to VM {} ({}), which this host does not have any more", a->vm_name, uuid),
               certain ? "ends the attachment" : "none: another host has it, or does not answer", false},
              certain ? std::function<void()>([this, id = a->id, volume_id = volume] {
                end_attachment(core_, "reconcile", id, volume_id);
              })
                      : nullptr);
    }
  }

  // By a live migration that VBS was not told of: the VM writes to the disk, whatever host the store names.
  const store::AttachmentRow* attached_elsewhere(const std::string& vm_uuid, const std::string& volume_id) const {
    for (const auto& a : desired_.attachments)
      if (a.vm_uuid == vm_uuid && a.volume_id == volume_id) return &a;
    return nullptr;
  }

  void check_exports() {
    for (const auto& e : desired_.unused_exports)
      found({"export-unused", core_.registry.host(e.host_id).row.name, e.volume_id,
             e.state == "fenced" ? "a forced detach cut the host off: it may still have a session"
                                 : "an export without attachments",
             "removes it, at the host first", false},
            [this, e] {
              const auto volume = core_.database.snapshot([&](store::Session& db) {
                for (const auto& still : store::unused_exports(db))
                  if (still.id == e.id) return store::find_volume(db, e.volume_id);
                throw Error(Code::conflict, "an attachment uses it by now");
              });
              auto& backend = core_.registry.backend(volume->backend_id);
              auto& host = core_.registry.host(e.host_id);
              if (!e.kind.empty())
                on_host<int>(host, [&host, connection = connection_of(e)](Hypervisor&, const Call& c) {
                  host.connector(connection.kind).disconnect(c, connection);
                  return 0;
                });
              ExportArgs args{e.id, e.volume_id, volume->refs, host.row.name, e.initiator, e.refs, Mode::ro, e.secret};
              on_backend<int>(backend, [args](StorageBackend& p, const Call& c) { return p.unexport(c, args), 0; });
              core_.database.writer().transact([&](store::Tx& tx) { store::delete_export(tx, e.id); });
            });
  }

  Core& core_;
  const bool repair_;
  const int64_t started_ = now_us();
  Desired desired_;
  ReconcileReport report_;
  std::vector<std::function<void()>> mends_;  // one a finding
};
}  // namespace

ReconcileReport reconcile(Core& core, const Caller& caller, bool repair) {
  require_operator(caller.who, "reconcile");
  if (repair)
    core.database.writer().transact([&](store::Tx& tx) { record(tx, caller, "reconcile --repair", "service", ""); });
  return Run(core, repair).go();
}
}  // namespace vbs
