// flatten-volume: the volume keeps its bytes and rests on no layer any more; the layers that nobody else needs go. That
// bounds the chain that each snapshot makes longer, and gives the space of hidden layers back. Params: background
// ("yes": started by vbsd itself, and gives way to whoever waits for the volume).
//
// Nobody uses the volume: the back-end copies. A VM writes to it: its hypervisor moves the data into the active file
// while the guest goes on (a block job), and the back-end records it. Between the two nothing is wrong, whatever
// breaks off: the file stands alone, and is taken to rest on layers that it needs no more.
//
// The VM is not locked, for a stream takes hours and concerns one disk of it; the volume is, which keeps attach, detach
// and snapshots away.
#include <fmt/format.h>

#include "core/operations/export_use.hpp"
#include "core/operations/guests.hpp"
#include "core/operations/support.hpp"

namespace vbs {
namespace {
constexpr std::chrono::hours kCopyLimit{24};

class FlattenVolume : public OperationKind {
 public:
  std::string name() const override { return "flatten-volume"; }
  bool gives_way(const store::OperationRow& o) const override { return param(o, "background") == "yes"; }

  std::vector<LockRequest> locks(store::Session&, const store::OperationRow& o) const override {
    return {{"volume:" + o.object_id, true}};
  }
  void admit(store::Tx& tx, store::OperationRow& o) const override { check(tx.db, o); }
  void begin(store::Tx& tx, store::OperationRow& o) const override {
    check(tx.db, o);
    store::set_operation(tx, ObjectKind::volume, o.object_id, o.id);
    // Decided once: a restart must find the same steps.
    const auto writers = writers_of(tx.db, o.object_id);
    o.data = data_with(
        {{"volume_refs", volume_of(tx.db, o.object_id).refs}, {"writer", writers.empty() ? "" : writers.front().id}});
  }

  std::vector<Step> steps(store::Session& db, Registry& registry, const store::OperationRow& o) const override {
    auto* backend = &registry.backend(volume_of(db, o.object_id).backend_id);
    const auto tidy = tidy_step(*backend);
    if (data(o, "writer").empty()) return {copy_step(backend), tidy};
    const auto writer = attachment_of(db, data(o, "writer"));
    auto* host = &registry.host(writer.host_id);
    Step prepare{"prepare", &backend->slot.pool(), nullptr, nullptr};
    prepare.run = [backend](const StepContext& c) -> Commit {
      backend->slot.plugin().flatten(c.call, arguments(c, true));
      return nullptr;
    };
    Step stream{"stream-" + writer.vm_name, &host->slot.pool(), nullptr, nullptr};
    stream.limit = kCopyLimit;
    stream.run = [host, writer](const StepContext& c) -> Commit {
      host->slot.plugin().stream(c.call, writer.vm_uuid, writer.volume_id);
      return nullptr;
    };
    stream.undo = [host, writer](const StepContext& c) -> Commit {
      host->slot.plugin().stream_stop(c.call, writer.vm_uuid, writer.volume_id);
      return nullptr;
    };
    Step record{"record", &backend->slot.pool(), nullptr, nullptr};
    record.limit = kCopyLimit;  // it looks at what lies on disk of the whole volume
    record.run = [backend, writer](const StepContext& c) { return record_streamed(c, *backend, writer); };
    return {prepare, stream, record, tidy};
  }

  void succeed(store::Tx& tx, const store::OperationRow& o) const override {
    store::set_operation(tx, ObjectKind::volume, o.object_id, "");
  }
  void fail(store::Tx& tx, const store::OperationRow& o, const Error&) const override {
    if (!o.step_name.empty()) store::set_operation(tx, ObjectKind::volume, o.object_id, "");
  }

 private:
  static Step copy_step(Backend* backend) {
    Step copy{"copy", &backend->slot.pool(), nullptr, nullptr};
    copy.limit = kCopyLimit;
    copy.run = [backend](const StepContext& c) -> Commit {
      return committing(*backend, c.operation.object_id, backend->slot.plugin().flatten(c.call, arguments(c, false)),
                        std::nullopt);
    };
    copy.undo = [backend](const StepContext& c) -> Commit {
      // What a try made is named after this operation.
      backend->slot.plugin().remove(c.call, ObjectKind::volume, c.operation.id, "", {});
      return nullptr;
    };
    return copy;
  }

  static Commit record_streamed(const StepContext& c, Backend& backend, const store::AttachmentRow& writer) {
    auto change = backend.slot.plugin().flatten(c.call, arguments(c, true));
    const auto* volume = change.find(writer.volume_id);
    if (!volume)
      throw Error(Code::internal, "the hypervisor says that volume " + writer.volume_id +
                                      " rests on no other file any more, the back-end says that it does: "
                                      "'qemu-img info -U' on its file shows which is true");
    const auto row = export_again(c, backend, writer, volume->refs);
    return committing(backend, writer.volume_id, std::move(change), row);
  }

  static Commit committing(const Backend& backend, const std::string& volume_id, StorageChange change,
                           std::optional<store::ExportRow> exported) {
    return [id = backend.row.id, volume_id, change = std::move(change), exported = std::move(exported)](store::Tx& tx) {
      store::ObjectRow under = volume_of(tx.db, volume_id);
      // Its own file stays where a guest has it; then what was under that may go.
      if (const auto* now = change.find(volume_id); now && now->layer == under.layer)
        under.layer = store::parent_of_layer(tx.db, id, under.layer);
      store::apply(tx, id, change);
      if (exported) store::put_export(tx, *exported);
      store::drop_unused_layers(tx, under);
    };
  }

  static FlattenArgs arguments(const StepContext& c, bool in_use) {
    return {c.operation.id, c.operation.object_id, data(c.operation, "volume_refs"), in_use};
  }

  static void check(store::Session& db, const store::OperationRow& o) {
    const auto row = store::find_volume(db, o.object_id);
    const auto& v = available(row, o.object_id, "volume", "flattened");
    if (store::layers_under(db, v.backend_id, v.layer) == 0)
      throw Error(Code::conflict, "volume " + o.object_id + " rests on no layers: there is nothing to flatten");
    const auto writers = writers_of(db, o.object_id);
    if (writers.size() > 1)
      throw Error(Code::conflict, fmt::format("volume {} is written to by {} VMs, which cannot all take part in one "
                                              "block job: detach it from all but one",
                                              o.object_id, writers.size()));
    if (writers.empty() && in_use(db, o.object_id))
      throw Error(Code::conflict, "volume " + o.object_id +
                                      " is attached read-only, and its VMs have the files of its chain open: detach it "
                                      "to flatten it");
  }
};
}  // namespace

const OperationKind& flatten_volume_kind() {
  static const FlattenVolume kind;
  return kind;
}
}  // namespace vbs
