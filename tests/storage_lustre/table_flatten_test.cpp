// SPDX-License-Identifier: MIT
#include <fstream>

#include "tests/storage_table/backend.hpp"

namespace vbs::test {
namespace {
class Flatten : public BackendTest {
 protected:
  void SetUp() override {
    BackendTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    b_->new_volume(volume_, 8 * MiB);
    b_->write(volume_, 'a', 0, 2 * MiB);
    b_->snapshot(snapshot_, volume_);
    b_->write(volume_, 'b', MiB, MiB);
  }
  std::string bytes(uint32_t kind, const std::string& id) { return b_->read(kind, id, 0, 3 * MiB); }
  // As the core does: the refs committed, then the layers that nobody needs removed.
  void finish(const FakeCall& flattened) {
    for (const auto& layer : b_->publish_move(flattened, volume_)) {
      for (int i = 0; i < 2; ++i) {
        const auto gone = b_->discard(layer);
        EXPECT_EQ(gone->status, VBS_OK) << gone->message;
      }
    }
  }
  uint64_t allocated() const {
    const auto out = run({"du", "-s", "--block-size=1", b_->root + "/images"});
    return std::stoull(out.out);
  }
  std::string top() const { return b_->objects.at(volume_).layer; }
  const std::string& parent() const { return b_->layers.at(top()).parent; }
  // What QEMU's block job does, on a file that nobody has open: all data into the active file, no backing file then.
  void stream() const {
    const auto done = run({"qemu-img", "rebase", "-q", "-f", "qcow2", "-b", "", b_->root + "/images/" + top()});
    ASSERT_EQ(done.exit_status, 0) << done.err;
  }
  const std::string volume_ = uuid(1), snapshot_ = uuid(2), flatten_ = uuid(3);
  const std::string frozen_ = std::string(2 * MiB, 'a') + std::string(MiB, '\0');
  const std::string current_ = std::string(MiB, 'a') + std::string(MiB, 'b') + std::string(MiB, '\0');
};
ON_EVERY_DISK(Flatten);

TEST_P(Flatten, KeepsTheBytesAndLeavesTheVolumeOnNoLayerAndTheSnapshotAsItWas) {
  finish(*b_->flatten(flatten_, volume_));
  EXPECT_EQ(parent(), "");
  EXPECT_EQ(bytes(VBS_KIND_VOLUME, volume_), current_);
  b_->write(volume_, 'c', 0, MiB);
  EXPECT_EQ(bytes(VBS_KIND_SNAPSHOT, snapshot_), frozen_);
  EXPECT_TRUE(b_->list()->leftovers.empty());
}

TEST_P(Flatten, OfAVolumeOnNoLayersChangesNothing) {
  b_->new_volume(uuid(7), MiB);
  const auto before = b_->files();
  b_->publish(*b_->flatten(flatten_, uuid(7)));
  EXPECT_EQ(b_->files(), before);
}

TEST_P(Flatten, MayBeRepeatedWithTheSameAndWithHigherEpochsAndCopiesOnce) {
  std::unique_ptr<FakeCall> last;
  for (const uint64_t epoch : {1, 1, 2, 4}) {
    last = b_->flatten(flatten_, volume_, false, epoch);
    ASSERT_EQ(last->status, VBS_OK) << last->message;
    ASSERT_EQ(b_->open().status, VBS_OK);
  }
  if (by_overlay()) {
    EXPECT_EQ(last->objects.at(0).layer, volume_ + "." + flatten_ + ".1.raw");
  }
  finish(*last);
  EXPECT_EQ(bytes(VBS_KIND_VOLUME, volume_), current_);
  EXPECT_TRUE(b_->list()->leftovers.empty());
}

TEST_P(Flatten, UndoneLeavesTheVolumeAsItWas) {
  const auto before = b_->files();
  ASSERT_EQ(b_->flatten(flatten_, volume_)->status, VBS_OK);
  ASSERT_EQ(b_->open().status, VBS_OK);
  for (int i = 0; i < 2; ++i) ASSERT_EQ(b_->remove_raw(VBS_KIND_VOLUME, flatten_, "", {})->status, VBS_OK);
  EXPECT_EQ(b_->files(), before);
  EXPECT_EQ(bytes(VBS_KIND_VOLUME, volume_), current_);
}

// The layer of a deleted snapshot, on which only this volume stands: what was written over lies there twice.
TEST_P(Flatten, GivesTheSpaceOfAHiddenLayerBack) {
  if (!by_overlay()) return;  // elsewhere a deleted snapshot leaves no layer
  b_->write(volume_, 'c', 0, 2 * MiB);
  ASSERT_EQ(b_->remove(VBS_KIND_SNAPSHOT, snapshot_)->status, VBS_OK);
  const auto before = allocated();
  EXPECT_GE(before, 4 * MiB) << "2 MiB frozen and 2 MiB over them";
  finish(*b_->flatten(flatten_, volume_));
  const auto after = allocated();
  RecordProperty("allocated_before", std::to_string(before));
  RecordProperty("allocated_after", std::to_string(after));
  EXPECT_LT(after, 2 * MiB + MiB / 2) << "of " << before << " before";
  EXPECT_EQ(bytes(VBS_KIND_VOLUME, volume_), std::string(2 * MiB, 'c') + std::string(MiB, '\0'));
  EXPECT_TRUE(b_->list()->leftovers.empty());
  EXPECT_EQ(b_->files().size(), 2u) << "one image, one sidecar";
}

TEST_P(Flatten, OfALongChainKeepsTheBytesOfEverySnapshotAndMakesRoomForAsManyMore) {
  for (int i = 0; i < 12; ++i) {
    b_->write(volume_, static_cast<char>('c' + i), 3 * MiB, MiB);
    b_->snapshot(uuid(100 + i), volume_);
  }
  finish(*b_->flatten(flatten_, volume_));
  EXPECT_EQ(parent(), "");
  EXPECT_EQ(bytes(VBS_KIND_VOLUME, volume_), current_);
  for (int i = 0; i < 12; ++i)
    EXPECT_EQ(b_->read(VBS_KIND_SNAPSHOT, uuid(100 + i), 3 * MiB, MiB), std::string(MiB, static_cast<char>('c' + i)));
  for (int i = 0; i < 12; ++i) ASSERT_EQ(b_->remove(VBS_KIND_SNAPSHOT, uuid(100 + i))->status, VBS_OK);
  ASSERT_EQ(b_->remove(VBS_KIND_SNAPSHOT, snapshot_)->status, VBS_OK);
  EXPECT_EQ(b_->files().size(), 2u) << "what only the snapshots needed went with them";
}

TEST_P(Flatten, InUseSaysBeforeTheStreamThatThereIsRoomAndAfterItWhatTheVolumeIs) {
  if (!by_overlay()) return;  // elsewhere a volume rests on no layer
  const auto before = b_->files();
  const auto first = b_->flatten(flatten_, volume_, true);
  ASSERT_EQ(first->status, VBS_OK) << first->message;
  EXPECT_TRUE(first->objects.empty());
  EXPECT_EQ(b_->files(), before);
  const auto active = top(), frozen = parent();
  stream();
  ASSERT_EQ(b_->open().status, VBS_OK);
  std::unique_ptr<FakeCall> last;
  for (const uint64_t epoch : {1, 1, 3}) {
    last = b_->flatten(flatten_, volume_, true, epoch);
    ASSERT_EQ(last->status, VBS_OK) << last->message;
  }
  finish(*last);
  EXPECT_EQ(top(), active) << "QEMU has it open";
  EXPECT_EQ(parent(), "");
  EXPECT_EQ(bytes(VBS_KIND_VOLUME, volume_), current_);
  EXPECT_EQ(bytes(VBS_KIND_SNAPSHOT, snapshot_), frozen_);
  ASSERT_EQ(b_->remove(VBS_KIND_SNAPSHOT, snapshot_)->status, VBS_OK);
  EXPECT_EQ(bytes(VBS_KIND_VOLUME, volume_), current_);
  EXPECT_TRUE(b_->list()->leftovers.empty());
  EXPECT_FALSE(std::ifstream(b_->root + "/images/" + frozen).is_open()) << "it goes with the last that needs it";
}

// As QEMU leaves it until its next flush: the header is written, the tables are not.
TEST_P(Flatten, InUseBelievesTheFileAndNotItsHeader) {
  if (!by_overlay()) return;  // elsewhere a volume rests on no layer
  const auto done = run({"qemu-img", "rebase", "-q", "-u", "-f", "qcow2", "-b", "", b_->root + "/images/" + top()});
  ASSERT_EQ(done.exit_status, 0) << done.err;
  const auto before = b_->files();
  const auto refused = b_->flatten(flatten_, volume_, true);
  EXPECT_EQ(refused->status, VBS_BUSY) << refused->message;
  EXPECT_EQ(b_->flatten(flatten_, volume_, false)->status, VBS_CONFLICT);
  EXPECT_EQ(b_->files(), before);
}

TEST_P(Flatten, InUseGivesTheSpaceOfAHiddenLayerBack) {
  if (!by_overlay()) return;  // elsewhere a deleted snapshot leaves no layer
  b_->write(volume_, 'c', 0, 2 * MiB);
  ASSERT_EQ(b_->remove(VBS_KIND_SNAPSHOT, snapshot_)->status, VBS_OK);
  const auto before = allocated();
  stream();
  finish(*b_->flatten(flatten_, volume_, true));
  EXPECT_LT(allocated() + 3 * MiB / 2, before);
  EXPECT_EQ(bytes(VBS_KIND_VOLUME, volume_), std::string(2 * MiB, 'c') + std::string(MiB, '\0'));
  EXPECT_EQ(b_->files().size(), 2u);
}

TEST_P(Flatten, TellsHowFarItIsInBytes) {
  if (!by_overlay()) return;  // elsewhere there is nothing to copy
  const auto done = b_->flatten(flatten_, volume_);
  ASSERT_EQ(done->status, VBS_OK) << done->message;
  ASSERT_FALSE(done->progress.empty());
  EXPECT_EQ(done->progress.back(), std::pair(8 * MiB, 8 * MiB));
}

TEST_P(Flatten, ThatIsCancelledLeavesNothing) {
  if (!by_overlay()) return;  // elsewhere there is nothing to copy
  const auto before = b_->files();
  b_->tune = [](FakeCall& c) { c.cancel_after_asked = 0; };
  EXPECT_EQ(b_->flatten(flatten_, volume_)->status, VBS_CANCELLED);
  b_->tune = nullptr;
  EXPECT_EQ(b_->files(), before);
}

}  // namespace
}  // namespace vbs::test
