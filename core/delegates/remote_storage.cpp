#include "core/delegates/remote.hpp"
#include "core/delegates/wire.hpp"

namespace vbs {
namespace {
using Change = RemoteInstance::Change;

void set_name(wire::ObjectName* to, ObjectKind kind, const std::string& id, const std::string& refs) {
  to->set_kind(static_cast<uint32_t>(kind));
  to->set_id(id);
  to->set_refs(refs);
}

class RemoteStorage final : public StorageBackend {
 public:
  explicit RemoteStorage(std::unique_ptr<RemoteInstance> instance) : instance_(std::move(instance)) {}

  const InstanceFacts& instance() const override { return instance_->facts(); }
  void after_reopen(std::function<void(StorageBackend&)> hook) override {
    instance_->after_reopen([this, hook = std::move(hook)] { hook(*this); });
  }

  Capacity capacity(const Call& call) override {
    wire::Arguments a;
    a.mutable_capacity();
    return from_wire(instance_->run(call, a, Change::none).capacity());
  }
  StorageChange create(const Call& call, const CreateArgs& args) override {
    wire::Arguments a;
    to_wire(args, a.mutable_create());
    return changed(call, a, Change::new_files);
  }
  void remove(const Call& call, ObjectKind kind, const std::string& id, const std::string& refs,
              const std::vector<std::string>& layers) override {
    wire::Arguments a;
    set_name(a.mutable_remove()->mutable_object(), kind, id, refs);
    for (const auto& l : layers) a.mutable_remove()->add_layers(l);
    instance_->run(call, a, Change::in_place);
  }
  StorageChange extend(const Call& call, const std::string& id, const std::string& refs, uint64_t size_bytes,
                       bool in_use) override {
    wire::Arguments a;
    set_name(a.mutable_extend()->mutable_object(), ObjectKind::volume, id, refs);
    a.mutable_extend()->set_size_bytes(size_bytes);
    a.mutable_extend()->set_in_use(in_use);
    return changed(call, a, Change::in_place);
  }
  StorageChange snapshot_prepare(const Call& call, const std::vector<SnapshotArgs>& list) override {
    wire::Arguments a;
    to_wire(list, a.mutable_snapshot_prepare());
    return changed(call, a, Change::new_files);
  }
  StorageChange snapshot_take(const Call& call, const std::vector<SnapshotArgs>& list) override {
    wire::Arguments a;
    to_wire(list, a.mutable_snapshot_take());
    return changed(call, a, Change::new_files);
  }
  void snapshot_finish(const Call& call, const std::vector<SnapshotArgs>& list, bool commit) override {
    wire::Arguments a;
    to_wire(list, a.mutable_snapshot_finish());
    a.mutable_snapshot_finish()->set_commit(commit);
    instance_->run(call, a, Change::in_place);
  }
  StorageChange revert(const Call& call, const RevertArgs& args) override {
    wire::Arguments a;
    to_wire(args, a.mutable_revert());
    return changed(call, a, Change::new_files);
  }
  StorageChange flatten(const Call& call, const FlattenArgs& args) override {
    wire::Arguments a;
    to_wire(args, a.mutable_flatten());
    return changed(call, a, args.in_use ? Change::in_place : Change::new_files);
  }
  Connection export_object(const Call& call, const ExportArgs& args) override {
    wire::Arguments a;
    to_wire(args, a.mutable_export_object());
    return from_wire(instance_->run(call, a, Change::new_files).connection());
  }
  void unexport(const Call& call, const ExportArgs& args) override {
    wire::Arguments a;
    to_wire(args, a.mutable_unexport());
    instance_->run(call, a, Change::in_place);
  }
  bool live_sessions(const Call& call, const ExportArgs& args) override {
    wire::Arguments a;
    to_wire(args, a.mutable_live_sessions());
    return instance_->run(call, a, Change::none).yes();
  }
  StorageListing list(const Call& call) override {
    wire::Arguments a;
    a.mutable_list();
    return from_wire(instance_->run(call, a, Change::none).listing());
  }
  std::optional<ObjectState> inspect(const Call& call, ObjectKind kind, const std::string& id,
                                     const std::string& refs) override {
    wire::Arguments a;
    set_name(a.mutable_inspect(), kind, id, refs);
    const auto result = instance_->run(call, a, Change::none);
    return result.has_object() ? std::optional(from_wire(result.object())) : std::nullopt;
  }
  void discard(const Call& call, const std::string& leftover) override {
    wire::Arguments a;
    a.set_discard(leftover);
    instance_->run(call, a, Change::in_place);
  }

 private:
  StorageChange changed(const Call& call, const wire::Arguments& a, Change change) {
    return from_wire(instance_->run(call, a, change).change());
  }
  const std::unique_ptr<RemoteInstance> instance_;
};
}  // namespace

std::unique_ptr<StorageBackend> make_remote_storage(std::unique_ptr<RemoteInstance> instance) {
  return std::make_unique<RemoteStorage>(std::move(instance));
}

}  // namespace vbs
