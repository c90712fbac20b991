// SPDX-License-Identifier: MIT
//
// The back-end: volumes and snapshots as logical volumes of one LVM volume group, exported over iSCSI. What each call
// must do is in include/vbs/plugin/storage.h; how volumes are named in names.hpp, what their tags say in tags.hpp, the
// target in target.hpp. Nothing is kept in memory but which ids are worked on: LVM's metadata and the target's
// configuration are the truth.
//
// Each object rests on one layer: its logical volume, named so. A revert gives the volume another one, and the core
// hands the old to discard() after its commit.
//
// One member function per call, grouped by file: open.cpp, create.cpp, extend.cpp, snapshot.cpp, revert.cpp,
// remove.cpp, listing.cpp, exports.cpp. Threading: any number of calls at once.
#pragma once
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config.hpp"
#include "group.hpp"
#include "target.hpp"
#include "vbs/plugin/storage.hpp"

namespace vbs::lvm {

class LvmStorage final : public plugin::StorageInstance {
 public:
  LvmStorage(plugin::Host host, plugin::Call& call, std::string_view backend_id, std::string_view config);

  plugin::StorageFacts facts() const override;
  plugin::Capacity capacity(plugin::Call&) override;
  void create(plugin::Call&, const plugin::CreateArgs&) override;
  void remove(plugin::Call&, const plugin::RemoveArgs&) override;
  void extend(plugin::Call&, const plugin::ExtendArgs&) override;
  void snapshot_prepare(plugin::Call&, const std::vector<plugin::SnapshotArgs>&) override;
  void snapshot_take(plugin::Call&, const std::vector<plugin::SnapshotArgs>&) override;
  void snapshot_finish(plugin::Call&, const std::vector<plugin::SnapshotArgs>&, bool commit) override;
  void revert(plugin::Call&, const plugin::SnapshotArgs&) override;
  plugin::Connection export_object(plugin::Call&, const plugin::ExportArgs&) override;
  void unexport(plugin::Call&, const plugin::ExportArgs&) override;
  bool live_sessions(plugin::Call&, const plugin::ExportArgs&) override;
  void list(plugin::Call&) override;
  plugin::Object inspect(plugin::Call&, const plugin::ObjectRef&) override;
  void discard(plugin::Call&, const std::string& leftover) override;
  plugin::Source open_data(plugin::Call&, const plugin::ObjectRef&, bool read_only) override;

 private:
  // Ids of a running call: what is unfinished of them is not left over.
  class Working {
   public:
    Working(LvmStorage& storage, std::vector<std::string> ids);
    ~Working();
    Working(const Working&) = delete;
    Working& operator=(const Working&) = delete;

   private:
    LvmStorage& storage_;
    const std::vector<std::string> ids_;
  };
  bool is_worked_on(const std::string& id);

  // common.cpp
  // The logical volume that refs name. Throws VBS_INVALID for refs that this plugin did not write, VBS_NOT_FOUND if it
  // is gone.
  const Lv& published(const View&, uint32_t kind, const std::string& id, const std::string& refs) const;
  void refuse_open(const Lv&) const;
  plugin::Object object(const Lv&, bool with_facts) const;
  void answer(plugin::Call&, const Lv&) const;  // adds OBJECT and LAYER
  void require_room(plugin::Call&, const View&, uint64_t more_bytes) const;
  // Removes what killed attempts at `record` left unfinished. Throws VBS_STALE if a higher one has been here.
  void clear_attempts(plugin::Call&, const View&, const Record& record) const;
  // Makes the logical volume of `record`, a copy of `source` (or empty) with `size_bytes`, and answers it.
  void make(plugin::Call&, const View&, Record record, uint64_t size_bytes, const Lv* source);
  // An attempt that was killed after the volume was there: brought to its end, and answered.
  void complete(plugin::Call&, const View&, const Lv&, uint64_t size_bytes);
  void ready_device(plugin::Call&, const Lv&) const;  // active, and its bytes its own
  // Removes those volumes, each unless it is open.
  void remove_all(plugin::Call&, const std::vector<const Lv*>&) const;

  const plugin::Host host_;
  const Config config_;
  Group group_;
  std::unique_ptr<Target> target_;
  std::mutex mutex_;
  std::multiset<std::string> working_;
};

void check_id(const std::string& id, const char* what);
void check_size(uint64_t size_bytes);
std::string portals_json(const Config&);  // ["A:PORT", ...]

}  // namespace vbs::lvm
