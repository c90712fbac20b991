// SPDX-License-Identifier: MIT
//
// The back-end: volumes and snapshots as files under one directory, on Lustre or any POSIX file system. What each call
// must do is in include/vbs/plugin/storage.h; how files are named in names.hpp; what is on disk when in README.md.
//
// One member function per call, grouped by file: open.cpp, create.cpp, extend.cpp, snapshot.cpp, revert.cpp,
// flatten.cpp, remove.cpp, listing.cpp, data.cpp. Threading: any number of calls at once; what they share locks itself
// (Root, Index, Space).
#pragma once
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "attempt.hpp"
#include "config.hpp"
#include "fs.hpp"
#include "images.hpp"
#include "index.hpp"
#include "record.hpp"
#include "root.hpp"
#include "sidecars.hpp"
#include "space.hpp"
#include "vbs/plugin/storage.hpp"

namespace vbs::lustre {

class LustreStorage final : public plugin::StorageInstance {
 public:
  LustreStorage(plugin::Host host, plugin::Call& call, std::string_view backend_id, std::string_view config);

  plugin::StorageFacts facts() const override;
  plugin::Capacity capacity(plugin::Call&) override;
  void create(plugin::Call&, const plugin::CreateArgs&) override;
  void remove(plugin::Call&, const plugin::RemoveArgs&) override;
  void extend(plugin::Call&, const plugin::ExtendArgs&) override;
  void snapshot_prepare(plugin::Call&, const std::vector<plugin::SnapshotArgs>&) override;
  void snapshot_take(plugin::Call&, const std::vector<plugin::SnapshotArgs>&) override;
  void snapshot_finish(plugin::Call&, const std::vector<plugin::SnapshotArgs>&, bool commit) override;
  void revert(plugin::Call&, const plugin::SnapshotArgs&) override;
  void flatten(plugin::Call&, const plugin::FlattenArgs&) override;
  plugin::Connection export_object(plugin::Call&, const plugin::ExportArgs&) override;
  void unexport(plugin::Call&, const plugin::ExportArgs&) override;
  void list(plugin::Call&) override;
  plugin::Object inspect(plugin::Call&, const plugin::ObjectRef&) override;
  void discard(plugin::Call&, const std::string& leftover) override;
  plugin::Source open_data(plugin::Call&, const plugin::ObjectRef&, bool read_only) override;
  void extents(plugin::Call&, const plugin::ObjectRef&, const std::string& since_snapshot_refs) override;

 private:
  // open.cpp
  void check_mount(plugin::Call&);
  void check_pool(plugin::Call&);
  Method choose_method(plugin::Call&, const File& dir);
  bool try_reflink(const File& dir);
  bool have_qemu_img(plugin::Call&);
  void scan(const File& dir);

  // Overlay, unless the chain under `from` is as long as it may get: then a full copy starts a new one.
  Method method_for(plugin::Call&, const Record& from) const;
  // The object's newest generation carries what refs leave out.
  Record with_sidecar(const File& dir, Record record);
  // Removes what abandoned calls left of this object beyond `record`, its published state; `keep_by`: whose overlays
  // stay.
  void sweep(const File& dir, const Record& record, const std::string& keep_by);
  // Removes files of an id that was never published. Throws VBS_STALE if a higher attempt has been here.
  void discard_attempts(plugin::Call&, const File& dir, const std::string& id);
  void erase(const File& dir, const std::string& name);
  // Everything durable: files first, names last (on Lustre the sync of a regular file carries the names).
  void sync_all(const File& dir, const std::vector<File*>& files);
  void sync_again(const File& dir, const std::vector<std::string>& names);
  void sync_names(const File& dir);

  uint64_t allocated(const File& dir, const Record&);  // with all that it rests on
  plugin::Object object(const File& dir, const Record&, bool with_facts);
  void add_change(plugin::Call&, const File& dir, const std::vector<const Record*>& objects,
                  const std::vector<const Record*>& new_layers);
  std::string source_data(const Record&) const;  // {"backing": [...]}
  // Freezing or copying a file that a QEMU writes would tear it. The core knows of its attachments only, not of other
  // hands.
  void refuse_writer(const File& dir, const Record&);
  Record published(const File& dir, uint32_t kind, const std::string& id, const std::string& refs);

  // create.cpp
  bool answer_repeated_create(plugin::Call&, const File& dir, const plugin::CreateArgs&);
  void create_empty(plugin::Call&, const File& dir, const plugin::CreateArgs&);
  void create_from(plugin::Call&, const File& dir, const plugin::CreateArgs&);
  Record new_record(const plugin::CreateArgs&) const;

  // flatten.cpp
  std::optional<Sidecar> flattened(const File& dir, const plugin::FlattenArgs&, const Record& volume);
  void copy_chain(plugin::Call&, const File& dir, const std::string& id, const Record& volume);
  bool accounts_for_chain(plugin::Call&, const File& dir, const Record& volume);
  void record_streamed(plugin::Call&, const File& dir, const Record& volume);
  void publish_flat(plugin::Call&, const File& dir, Attempt&, const Record& next);

  // listing.cpp
  struct Inventory {
    std::vector<std::string> names;                   // ours, of any kind
    std::vector<std::pair<FileName, Record>> newest;  // one per object
    std::set<std::string> good_sidecars, used_images;
  };
  Inventory look(const File& dir);

  // snapshot.cpp
  struct Taken {
    Sidecar snapshot;
    std::optional<Sidecar> volume;
  };
  std::optional<Taken> taken(const File& dir, const plugin::SnapshotArgs& a);
  std::string prepared_overlay(const std::string& volume, const std::string& snapshot) const;
  void finish_one(const File& dir, const plugin::SnapshotArgs&, bool commit);

  const plugin::Host host_;
  const Config config_;
  const std::unique_ptr<Files> files_;
  Root root_;
  bool on_lustre_ = false;
  bool local_locks_ = false;
  Method method_ = Method::copy;
  Index index_;
  std::unique_ptr<Space> space_;
  std::unique_ptr<Images> images_;
  Sidecars sidecars_;
};

void check_id(const std::string& id, const char* what);
void check_size(uint64_t size_bytes);

}  // namespace vbs::lustre
