// SPDX-License-Identifier: MIT
#include "tests/storage_table/backend.hpp"

namespace vbs::test {
namespace {
class Revert : public BackendTest {
 protected:
  void SetUp() override {
    BackendTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    b_->new_volume(volume_, 8 * MiB);
    b_->write(volume_, 'a', 0, MiB);
    b_->snapshot(snapshot_, volume_);
    b_->write(volume_, 'b', 0, MiB);
  }
  std::string bytes(uint32_t kind, const std::string& id) { return b_->read(kind, id, 0, MiB); }
  // As the core does: the refs committed, then the former file removed.
  void finish(const FakeCall& reverted) {
    const auto former = b_->objects.at(volume_).layer;
    b_->publish(reverted);
    b_->layers.erase(former);
    for (int i = 0; i < 2; ++i) {
      const auto gone = b_->discard(former);
      EXPECT_EQ(gone->status, VBS_OK) << gone->message;
    }
  }
  const std::string volume_ = uuid(1), snapshot_ = uuid(2), revert_ = uuid(3);
  const std::string a_ = std::string(MiB, 'a'), b_bytes_ = std::string(MiB, 'b');
};
ON_EVERY_DISK(Revert);

TEST_P(Revert, GivesTheVolumeTheSnapshotsBytesAndLeavesTheSnapshotAlone) {
  finish(*b_->revert(revert_, volume_, snapshot_));
  EXPECT_EQ(bytes(VBS_KIND_VOLUME, volume_), a_);
  b_->write(volume_, 'c', 0, MiB);
  EXPECT_EQ(bytes(VBS_KIND_SNAPSHOT, snapshot_), a_);
  EXPECT_TRUE(b_->list()->leftovers.empty());
}

TEST_P(Revert, KeepsTheVolumesSizeAndTheGrownPartReadsAsZeros) {
  b_->publish(*b_->extend(volume_, 16 * MiB));
  b_->write(volume_, 'b', 12 * MiB, MiB);
  finish(*b_->revert(revert_, volume_, snapshot_));
  EXPECT_EQ(b_->inspect(VBS_KIND_VOLUME, volume_, b_->refs(volume_))->objects.at(0).size_bytes, 16 * MiB);
  EXPECT_EQ(bytes(VBS_KIND_VOLUME, volume_), a_);
  EXPECT_EQ(b_->read(VBS_KIND_VOLUME, volume_, 12 * MiB, MiB), std::string(MiB, '\0'));
}

TEST_P(Revert, MayBeRepeatedWithTheSameAndWithHigherEpochs) {
  std::unique_ptr<FakeCall> last;
  for (const uint64_t epoch : {1, 1, 2, 4}) {
    last = b_->revert(revert_, volume_, snapshot_, epoch);
    ASSERT_EQ(last->status, VBS_OK) << last->message;
    ASSERT_EQ(b_->open().status, VBS_OK);
  }
  EXPECT_EQ(b_->revert(revert_, volume_, snapshot_, 3)->status, VBS_STALE);
  finish(*last);
  EXPECT_EQ(bytes(VBS_KIND_VOLUME, volume_), a_);
  EXPECT_TRUE(b_->list()->leftovers.empty());
}

TEST_P(Revert, UndoneLeavesTheVolumeAsItWas) {
  const auto before = b_->files();
  ASSERT_EQ(b_->revert(revert_, volume_, snapshot_)->status, VBS_OK);
  ASSERT_EQ(b_->open().status, VBS_OK);
  for (int i = 0; i < 2; ++i) ASSERT_EQ(b_->remove_raw(VBS_KIND_VOLUME, revert_, "", {})->status, VBS_OK);
  EXPECT_EQ(b_->files(), before);
  EXPECT_EQ(bytes(VBS_KIND_VOLUME, volume_), b_bytes_);
}

TEST_P(Revert, AgainAndAgainWithSnapshotsInBetweenKeepsEachOnesBytes) {
  finish(*b_->revert(revert_, volume_, snapshot_));
  b_->write(volume_, 'c', 0, MiB);
  b_->snapshot(uuid(4), volume_);
  b_->write(volume_, 'd', 0, MiB);
  finish(*b_->revert(uuid(5), volume_, uuid(4)));
  EXPECT_EQ(bytes(VBS_KIND_VOLUME, volume_), std::string(MiB, 'c'));
  finish(*b_->revert(uuid(6), volume_, uuid(4)));
  EXPECT_EQ(bytes(VBS_KIND_VOLUME, volume_), std::string(MiB, 'c'));
  EXPECT_EQ(bytes(VBS_KIND_SNAPSHOT, snapshot_), a_);
  EXPECT_EQ(bytes(VBS_KIND_SNAPSHOT, uuid(4)), std::string(MiB, 'c'));
  EXPECT_TRUE(b_->list()->leftovers.empty());
  for (const auto& [kind, id] :
       {std::pair{VBS_KIND_VOLUME, volume_}, {VBS_KIND_SNAPSHOT, uuid(4)}, {VBS_KIND_SNAPSHOT, snapshot_}})
    ASSERT_EQ(b_->remove(static_cast<uint32_t>(kind), id)->status, VBS_OK);
  EXPECT_TRUE(b_->files().empty()) << b_->files().at(0);
}

}  // namespace
}  // namespace vbs::test
