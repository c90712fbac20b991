// SPDX-License-Identifier: MIT
#include "tests/storage_table/backend.hpp"

namespace vbs::test {
namespace {
class Remove : public BackendTest {
 protected:
  std::string bytes(uint32_t kind, const std::string& id) { return b_->read(kind, id, 0, MiB); }
  void expect_empty() {
    EXPECT_TRUE(b_->files().empty()) << b_->files().at(0);
    const auto seen = b_->list();
    EXPECT_EQ(seen->status, VBS_OK);
    EXPECT_TRUE(seen->objects.empty());
    EXPECT_TRUE(seen->leftovers.empty());
  }
};
ON_EVERY_DISK(Remove);

TEST_P(Remove, LeavesNothingOfAVolume) {
  b_->new_volume(uuid(1), 8 * MiB);
  ASSERT_EQ(b_->remove(VBS_KIND_VOLUME, uuid(1))->status, VBS_OK);
  expect_empty();
}

TEST_P(Remove, AgainSucceeds) {
  b_->new_volume(uuid(1), 8 * MiB);
  const auto object = b_->objects.at(uuid(1));
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(b_->remove_raw(VBS_KIND_VOLUME, uuid(1), object.refs, {object.layer})->status, VBS_OK);
  EXPECT_EQ(b_->remove_raw(VBS_KIND_VOLUME, uuid(77), "", {})->status, VBS_OK);  // never was
}

TEST_P(Remove, OfASnapshotWithChildrenKeepsTheirBytes) {
  b_->new_volume(uuid(1), 8 * MiB);
  b_->write(uuid(1), 'a', 0, MiB);
  b_->snapshot(uuid(2), uuid(1));
  b_->publish(*b_->create_from(uuid(3), 8 * MiB, VBS_KIND_SNAPSHOT, uuid(2)));
  ASSERT_EQ(b_->remove(VBS_KIND_SNAPSHOT, uuid(2))->status, VBS_OK);
  EXPECT_EQ(bytes(VBS_KIND_VOLUME, uuid(1)), std::string(MiB, 'a'));
  EXPECT_EQ(bytes(VBS_KIND_VOLUME, uuid(3)), std::string(MiB, 'a'));
  const auto seen = b_->list();
  EXPECT_EQ(seen->objects.size(), 2u);
  EXPECT_TRUE(seen->leftovers.empty()) << "a hidden layer is not left over: " << seen->leftovers.at(0).name;
}

TEST_P(Remove, OfAVolumeKeepsItsSnapshots) {
  b_->new_volume(uuid(1), 8 * MiB);
  b_->write(uuid(1), 'a', 0, MiB);
  b_->snapshot(uuid(2), uuid(1));
  b_->write(uuid(1), 'b', 0, MiB);
  b_->snapshot(uuid(3), uuid(1));
  ASSERT_EQ(b_->remove(VBS_KIND_VOLUME, uuid(1))->status, VBS_OK);
  EXPECT_EQ(bytes(VBS_KIND_SNAPSHOT, uuid(2)), std::string(MiB, 'a'));
  EXPECT_EQ(bytes(VBS_KIND_SNAPSHOT, uuid(3)), std::string(MiB, 'b'));
  EXPECT_TRUE(b_->list()->leftovers.empty());
}

TEST_P(Remove, InEveryOrderEndsWithAnEmptyBackEnd) {
  // Volume 1, its snapshot 2, clone 3 of the snapshot, clone 4 of the volume, snapshot 5 of clone 3.
  const std::map<std::string, uint32_t> kinds{{uuid(1), VBS_KIND_VOLUME},
                                              {uuid(2), VBS_KIND_SNAPSHOT},
                                              {uuid(3), VBS_KIND_VOLUME},
                                              {uuid(4), VBS_KIND_VOLUME},
                                              {uuid(5), VBS_KIND_SNAPSHOT}};
  for (const std::vector<int>& order : std::vector<std::vector<int>>{
           {1, 2, 3, 4, 5}, {5, 4, 3, 2, 1}, {2, 1, 4, 3, 5}, {3, 5, 1, 4, 2}, {4, 1, 5, 2, 3}}) {
    b_->new_volume(uuid(1), 8 * MiB);
    b_->write(uuid(1), 'a', 0, MiB);
    b_->snapshot(uuid(2), uuid(1));
    b_->publish(*b_->create_from(uuid(3), 8 * MiB, VBS_KIND_SNAPSHOT, uuid(2)));
    b_->publish(*b_->create_from(uuid(4), 8 * MiB, VBS_KIND_VOLUME, uuid(1)));
    b_->snapshot(uuid(5), uuid(3));
    for (const int n : order) {
      const auto gone = b_->remove(kinds.at(uuid(n)), uuid(n));
      ASSERT_EQ(gone->status, VBS_OK) << gone->message;
      for (const auto& [id, object] : b_->objects) {
        ASSERT_EQ(bytes(kinds.at(id), id), std::string(MiB, 'a')) << id;
      }
      EXPECT_TRUE(b_->list()->leftovers.empty());
    }
    expect_empty();
    b_->objects.clear();
  }
}

TEST_P(Remove, RefusesLayerNamesWithTricks) {
  b_->new_volume(uuid(1), 8 * MiB);
  const auto files = b_->files();
  for (const std::string& name : std::vector<std::string>{
           "", ".", "..", "../.vbs-backend", "/etc/passwd", "images", uuid(1) + ".1.1.json", uuid(1) + ".01.raw",
           uuid(1) + ".1.raw\n", "../images/" + uuid(1) + ".1.raw", uuid(1) + ".1.raw" + std::string(1, '\0')}) {
    EXPECT_EQ(b_->remove_raw(VBS_KIND_VOLUME, uuid(5), "", {name})->status, VBS_INVALID) << name;
  }
  EXPECT_EQ(b_->files(), files);
}

TEST_P(Remove, GivesPromisedSpaceBack) {
  b_->config = config_json(b_->root, GetParam().method, ",\"over_commit_ratio\":1,\"reserve_bytes\":0");
  ASSERT_EQ(b_->open().status, VBS_OK);
  const auto capacity = b_->capacity()->capacity;
  const uint64_t most = most_of(GetParam(), capacity.total_bytes, capacity.free_bytes);
  for (int i = 0; i < 3; ++i) {
    b_->new_volume(uuid(1), most);
    ASSERT_EQ(b_->remove(VBS_KIND_VOLUME, uuid(1))->status, VBS_OK);
  }
}

}  // namespace
}  // namespace vbs::test
