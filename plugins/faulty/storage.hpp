// SPDX-License-Identifier: MIT
//
// A storage back-end that keeps its objects as records (records.hpp) and keeps the contract of storage.h; a volume has
// no bytes. Names of layers carry the attempt: OBJECT.ATTEMPT, or SOURCE.OBJECT.ATTEMPT for the one that its source
// writes to from then on.
#pragma once
#include "vbs/plugin/storage.hpp"
#include "world.hpp"

namespace vbs::faulty {

class Storage : public plugin::StorageInstance {
 public:
  Storage(plugin::Host host, plugin::Call& call, std::string_view backend_id, std::string_view config);
  plugin::StorageFacts facts() const override;
  plugin::Capacity capacity(plugin::Call& call) override;
  void create(plugin::Call& call, const plugin::CreateArgs& args) override;
  void remove(plugin::Call& call, const plugin::RemoveArgs& args) override;
  void extend(plugin::Call& call, const plugin::ExtendArgs& args) override;
  void snapshot_prepare(plugin::Call& call, const std::vector<plugin::SnapshotArgs>& list) override;
  void snapshot_take(plugin::Call& call, const std::vector<plugin::SnapshotArgs>& list) override;
  void snapshot_finish(plugin::Call& call, const std::vector<plugin::SnapshotArgs>& list, bool commit) override;
  plugin::Connection export_object(plugin::Call& call, const plugin::ExportArgs& args) override;
  void unexport(plugin::Call& call, const plugin::ExportArgs& args) override;
  bool live_sessions(plugin::Call& call, const plugin::ExportArgs& args) override;
  void list(plugin::Call& call) override;
  plugin::Object inspect(plugin::Call& call, const plugin::ObjectRef& ref) override;
  void discard(plugin::Call& call, const std::string& leftover) override;
  void flatten(plugin::Call& call, const plugin::FlattenArgs& args) override;

 private:
  template <class F>
  auto run(plugin::Call& call, const char* name, const std::string& object, F&& f) {
    return world_->run(call, name, object, [&](State& s) {
      world_->check_marker();
      return f(s);
    });
  }
  void drop_attempts(State& s, const std::string& made_for, const std::string& but);
  std::string add_layer(plugin::Call& call, State& s, const Layer& layer);
  void move_source(plugin::Call& call, State& s, const std::string& source, const std::string& frozen,
                   const std::string& made_for);

  const Config config_;
  const std::shared_ptr<World> world_;
};

}  // namespace vbs::faulty
