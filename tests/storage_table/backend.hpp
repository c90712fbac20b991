// SPDX-License-Identifier: MIT
//
// A storage plugin behind its table, and beside it the least that the core does: it keeps refs, counts who uses a
// layer, and says which layers go with a removed object. Tests derive from BackendTest and get one fresh back-end per
// disk.
#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/storage_table/place.hpp"
#include "tests/support/fake_host.hpp"

namespace vbs::test {

constexpr uint64_t MiB = 1u << 20;
constexpr const char* kBackendId = "0b0e0000-0000-4000-8000-000000000001";

std::string uuid(int n);  // a different one for each n

std::string plugin_file(const std::string& ending);  // of the build
vbs_plugin_entry_fn plugin_entry();                  // in a file of its own: see there

class Backend {
 public:
  Backend(const std::string& root, const std::string& method);
  ~Backend() { close(); }
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  FakeCall& open(const std::string& backend_id = kBackendId);  // with `config`
  void close();
  bool is_open() const { return instance_ != nullptr; }

  // Each answers the finished call, whose results publish() may then commit as the core would.
  using Made = std::unique_ptr<FakeCall>;
  Made create(const std::string& id, uint64_t size, uint64_t epoch = 1);
  Made create_from(const std::string& id, uint64_t size, uint32_t kind, const std::string& source, bool in_use = false,
                   uint64_t epoch = 1);
  Made extend(const std::string& id, uint64_t size, bool in_use = false, uint64_t epoch = 1);
  Made prepare(const std::vector<plugin::SnapshotArgs>& group, uint64_t epoch = 1);
  Made take(const std::vector<plugin::SnapshotArgs>& group, uint64_t epoch = 1);
  Made finish(const std::vector<plugin::SnapshotArgs>& group, bool commit, uint64_t epoch = 1);
  Made revert(const std::string& id, const std::string& volume, const std::string& snapshot, uint64_t epoch = 1);
  Made flatten(const std::string& id, const std::string& volume, bool in_use = false, uint64_t epoch = 1);
  Made remove_raw(uint32_t kind, const std::string& id, const std::string& refs,
                  const std::vector<std::string>& layers);
  Made list();
  Made inspect(uint32_t kind, const std::string& id, const std::string& refs);
  Made discard(const std::string& name);
  Made capacity();
  Made export_volume(const std::string& id, bool read_only);
  Made open_data(uint32_t kind, const std::string& id, bool read_only);
  Made extents(uint32_t kind, const std::string& id);

  // What the core does.
  void publish(const FakeCall& call);
  plugin::SnapshotArgs snapshot_args(const std::string& id, const std::string& volume, bool in_use = false) const;
  void snapshot(const std::string& id, const std::string& volume);  // all three calls, published
  void new_volume(const std::string& id, uint64_t size);            // created and published
  Made remove(uint32_t kind, const std::string& id);                // with the layers that nobody needs any more
  // Commits a revert or flatten; answers the layers that nobody needs any more, top first, out of the books.
  std::vector<std::string> publish_move(const FakeCall& call, const std::string& volume);
  // Takes the object out of the books: its refs, and the layers that go with it.
  std::pair<std::string, std::vector<std::string>> drop(const std::string& id);
  const std::string& refs(const std::string& id) const { return objects.at(id).refs; }

  // What a guest does, by QEMU's own tools on what open_data names.
  void write(const std::string& id, char byte, uint64_t offset, uint64_t length);
  std::string read(uint32_t kind, const std::string& id, uint64_t offset, uint64_t length);

  const vbs_storage_table& table() const { return *table_; }
  void* instance() const { return instance_; }
  std::vector<std::string> files() const { return stored(root); }

  std::string root, config;
  FakeHost host;
  std::map<std::string, plugin::Object> objects;  // published
  std::map<std::string, plugin::Layer> layers;
  std::function<void(FakeCall&)> tune;  // of the calls that follow

 private:
  std::vector<std::string> drop_layers(std::string name);  // from the top down, as far as nobody needs them
  Made call(uint64_t epoch, const std::function<vbs_status(vbs_call*)>& f);
  Made snapshot_call(const std::vector<plugin::SnapshotArgs>& group, uint64_t epoch,
                     const std::function<vbs_status(vbs_call*, const vbs_snapshot_args*, uint64_t)>& f);
  const vbs_storage_table* table_ = nullptr;
  void* instance_ = nullptr;
  FakeCall opened_;
};

// One back-end on each disk. A disk that this machine cannot give: skipped, or in CI a failure that says what to
// install.
class BackendTest : public testing::TestWithParam<Disk> {
 protected:
  void SetUp() override;
  void TearDown() override;
  bool by_overlay() const { return GetParam().method == "overlay"; }
  bool by_reflink() const { return GetParam().method == "reflink"; }
  std::string root_;
  std::unique_ptr<Backend> b_;
};

#define ON_EVERY_DISK(TEST)                                                     \
  INSTANTIATE_TEST_SUITE_P(Disk, TEST, testing::ValuesIn(::vbs::test::disks()), \
                           [](const auto& info) { return info.param.name; })

}  // namespace vbs::test
