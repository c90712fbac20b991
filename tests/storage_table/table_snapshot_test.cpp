// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "tests/storage_table/backend.hpp"

namespace vbs::test {
namespace {
class Snapshot : public BackendTest {
 protected:
  void SetUp() override {
    BackendTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    b_->new_volume(volume_, 8 * MiB);
    b_->write(volume_, 'a', 0, MiB);
  }
  std::string bytes(uint32_t kind, const std::string& id) { return b_->read(kind, id, 0, MiB); }
  const std::string volume_ = uuid(1), snapshot_ = uuid(2);
  const std::string a_ = std::string(MiB, 'a'), b_bytes_ = std::string(MiB, 'b');
};
ON_EVERY_DISK(Snapshot);

TEST_P(Snapshot, KeepsTheBytesOfItsInstantWhileTheVolumeGoesOn) {
  b_->snapshot(snapshot_, volume_);
  b_->write(volume_, 'b', 0, MiB);
  EXPECT_EQ(bytes(VBS_KIND_SNAPSHOT, snapshot_), a_);
  EXPECT_EQ(bytes(VBS_KIND_VOLUME, volume_), b_bytes_);
}

TEST_P(Snapshot, PrepareChangesNothingThatAGuestUses) {
  const auto before = b_->refs(volume_);
  ASSERT_EQ(b_->prepare({b_->snapshot_args(snapshot_, volume_)})->status, VBS_OK);
  b_->write(volume_, 'b', 0, MiB);
  EXPECT_EQ(bytes(VBS_KIND_VOLUME, volume_), b_bytes_);
  EXPECT_EQ(b_->inspect(VBS_KIND_SNAPSHOT, snapshot_, "")->status, VBS_NOT_FOUND);
}

TEST_P(Snapshot, EveryCallMayBeRepeatedWithTheSameAndWithHigherEpochs) {
  const std::vector group{b_->snapshot_args(snapshot_, volume_)};
  for (const uint64_t epoch : {1, 1, 2}) ASSERT_EQ(b_->prepare(group, epoch)->status, VBS_OK);
  const auto first = b_->take(group, 1);
  ASSERT_EQ(first->status, VBS_OK) << first->message;
  for (const uint64_t epoch : {1, 2, 3}) {
    ASSERT_EQ(b_->prepare(group, epoch)->status, VBS_OK);
    const auto again = b_->take(group, epoch);
    ASSERT_EQ(again->status, VBS_OK) << again->message;
    ASSERT_EQ(again->objects.size(), first->objects.size());
    for (size_t i = 0; i < first->objects.size(); ++i) EXPECT_EQ(again->objects[i].refs, first->objects[i].refs);
  }
  b_->publish(*first);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(b_->finish(group, true)->status, VBS_OK);
  EXPECT_EQ(bytes(VBS_KIND_SNAPSHOT, snapshot_), a_);
  EXPECT_EQ(bytes(VBS_KIND_VOLUME, volume_), a_);
  EXPECT_TRUE(b_->list()->leftovers.empty());
}

TEST_P(Snapshot, AbortAfterPrepareLeavesTheBackEndAsItWas) {
  const auto before = b_->files();
  const std::vector group{b_->snapshot_args(snapshot_, volume_)};
  ASSERT_EQ(b_->prepare(group)->status, VBS_OK);
  ASSERT_EQ(b_->finish(group, false)->status, VBS_OK);
  ASSERT_EQ(b_->finish(group, false)->status, VBS_OK);
  EXPECT_EQ(b_->files(), before);
}

TEST_P(Snapshot, AbortAfterTakeLeavesTheBackEndAsItWas) {
  const auto before = b_->files();
  const std::vector group{b_->snapshot_args(snapshot_, volume_)};
  ASSERT_EQ(b_->prepare(group)->status, VBS_OK);
  ASSERT_EQ(b_->take(group)->status, VBS_OK);
  ASSERT_EQ(b_->finish(group, false)->status, VBS_OK);
  EXPECT_EQ(b_->files(), before);
  b_->write(volume_, 'b', 0, MiB);
  EXPECT_EQ(bytes(VBS_KIND_VOLUME, volume_), b_bytes_);
  b_->snapshot(uuid(3), volume_);  // and the next one is free to begin
  EXPECT_EQ(bytes(VBS_KIND_SNAPSHOT, uuid(3)), b_bytes_);
}

TEST_P(Snapshot, WithTheIdOfAnotherVolumesSnapshotIsAConflict) {
  b_->new_volume(uuid(9), 8 * MiB);
  b_->snapshot(snapshot_, volume_);
  EXPECT_EQ(b_->prepare({b_->snapshot_args(snapshot_, uuid(9))})->status, VBS_CONFLICT);
  EXPECT_EQ(b_->take({b_->snapshot_args(snapshot_, uuid(9))})->status, VBS_CONFLICT);
}

TEST_P(Snapshot, OfSeveralVolumesTakesAllOrNone) {
  b_->new_volume(uuid(9), 8 * MiB);
  b_->write(uuid(9), 'z', 0, MiB);
  const std::vector group{b_->snapshot_args(snapshot_, volume_), b_->snapshot_args(uuid(3), uuid(9))};
  ASSERT_EQ(b_->prepare(group)->status, VBS_OK);
  b_->publish(*b_->take(group));
  ASSERT_EQ(b_->finish(group, true)->status, VBS_OK);
  EXPECT_EQ(bytes(VBS_KIND_SNAPSHOT, snapshot_), a_);
  EXPECT_EQ(bytes(VBS_KIND_SNAPSHOT, uuid(3)), std::string(MiB, 'z'));

  const auto files = b_->files();
  auto broken = std::vector{b_->snapshot_args(uuid(4), volume_), b_->snapshot_args(uuid(5), uuid(9))};
  ASSERT_EQ(b_->prepare(broken)->status, VBS_OK);
  broken[1].volume_refs = "{}";
  EXPECT_EQ(b_->take(broken)->status, VBS_INVALID);
  broken[1].volume_refs = b_->refs(uuid(9));
  ASSERT_EQ(b_->finish(broken, false)->status, VBS_OK);
  EXPECT_EQ(b_->files(), files);
}

TEST_P(Snapshot, GroupThatNamesAVolumeTwiceIsInvalid) {
  EXPECT_EQ(b_->prepare({b_->snapshot_args(uuid(4), volume_), b_->snapshot_args(uuid(5), volume_)})->status,
            VBS_INVALID);
}

// As the core does it for a volume in use: what a guest writes between prepare and take is in the file that prepare
// named.
TEST_P(Snapshot, OfAVolumeInUseSaysWhereItsGuestHasToGoOnBeforeItIsTaken) {
  const std::vector group{b_->snapshot_args(snapshot_, volume_, true)};
  const auto prepared = b_->prepare(group);
  if (!by_reflink() && !by_overlay()) {
    EXPECT_EQ(prepared->status, VBS_CONFLICT);
    EXPECT_NE(prepared->message.find("detach"), std::string::npos) << prepared->message;
    return;
  }
  ASSERT_EQ(prepared->status, VBS_OK) << prepared->message;
  if (by_reflink()) {
    EXPECT_TRUE(prepared->objects.empty()) << "the volume stays in its file";
    b_->publish(*b_->take(group));
    EXPECT_EQ(bytes(VBS_KIND_SNAPSHOT, snapshot_), a_);
    return;
  }
  ASSERT_EQ(prepared->objects.size(), 1u);
  const auto before = b_->objects.at(volume_);
  b_->objects[volume_] = prepared->objects.front();  // switched
  b_->write(volume_, 'b', 0, MiB);
  b_->objects[volume_] = before;
  const auto taken = b_->take(group, 7);
  b_->publish(*taken);
  EXPECT_EQ(b_->refs(volume_), prepared->objects.front().refs);
  ASSERT_EQ(b_->finish(group, true)->status, VBS_OK);
  EXPECT_EQ(bytes(VBS_KIND_SNAPSHOT, snapshot_), a_);
  EXPECT_EQ(bytes(VBS_KIND_VOLUME, volume_), b_bytes_);
  EXPECT_TRUE(b_->list()->leftovers.empty());
}

TEST_P(Snapshot, OfAVolumeInUseIsTakenWhileItsQemuHasTheFilesOpen) {
  if (!by_overlay()) return;  // only overlays freeze the file that a guest has
  const std::vector group{b_->snapshot_args(snapshot_, volume_, true)};
  const auto path = b_->open_data(VBS_KIND_VOLUME, volume_, false)->source.path;
  FILE* qemu = popen(("exec qemu-io -f raw '" + path + "' >/dev/null").c_str(), "w");
  ASSERT_NE(qemu, nullptr);
  usleep(300'000);
  const auto prepared = b_->prepare(group);
  EXPECT_EQ(prepared->status, VBS_OK) << prepared->message;
  const auto taken = b_->take(group);
  EXPECT_EQ(taken->status, VBS_OK) << taken->message;
  pclose(qemu);
}

TEST_P(Snapshot, OfAVolumeInUseThatIsGivenUpBeforeTheSwitchLeavesTheBackEndAsItWas) {
  if (!by_overlay()) return;  // nothing is switched elsewhere
  const auto before = b_->files();
  const std::vector group{b_->snapshot_args(snapshot_, volume_, true)};
  for (const uint64_t epoch : {1, 2, 3}) ASSERT_EQ(b_->prepare(group, epoch)->status, VBS_OK);
  ASSERT_EQ(b_->finish(group, false)->status, VBS_OK);
  EXPECT_EQ(b_->files(), before);
}

TEST_P(Snapshot, OfAVolumeThatSomebodyElsesQemuWritesIsRefusedUnlessExtentsAreShared) {
  const auto path = b_->open_data(VBS_KIND_VOLUME, volume_, false)->source.path;
  FILE* qemu = popen(("exec qemu-io -f raw '" + path + "' >/dev/null").c_str(), "w");
  ASSERT_NE(qemu, nullptr);
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  bool locked = false;  // it is in, as soon as it holds any of its locks
  for (int i = 0; i < 500 && !locked; ++i) {
    struct flock query {};
    query.l_type = F_WRLCK;
    query.l_start = 100;
    query.l_len = 200;
    locked = fcntl(fd, F_OFD_GETLK, &query) == 0 && query.l_type != F_UNLCK;
    usleep(10'000);
  }
  close(fd);
  ASSERT_TRUE(locked);
  const std::vector group{b_->snapshot_args(snapshot_, volume_)};
  const auto prepared = b_->prepare(group);
  const auto cloned = b_->create_from(uuid(3), 8 * MiB, VBS_KIND_VOLUME, volume_);
  pclose(qemu);
  EXPECT_EQ(prepared->status, by_reflink() ? VBS_OK : VBS_BUSY) << prepared->message;
  EXPECT_EQ(cloned->status, by_reflink() ? VBS_OK : VBS_BUSY) << cloned->message;
  EXPECT_EQ(b_->prepare(group)->status, VBS_OK);
}

TEST_P(Snapshot, ManyInARowEachKeepTheirOwnBytes) {
  for (int i = 0; i < 5; ++i) {
    b_->write(volume_, static_cast<char>('0' + i), 0, MiB);
    b_->snapshot(uuid(10 + i), volume_);
  }
  b_->write(volume_, 'b', 0, MiB);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(bytes(VBS_KIND_SNAPSHOT, uuid(10 + i)), std::string(MiB, static_cast<char>('0' + i)));
  EXPECT_EQ(bytes(VBS_KIND_VOLUME, volume_), b_bytes_);
  EXPECT_TRUE(b_->list()->leftovers.empty());
}

TEST_P(Snapshot, OfAVolumeThatGrewKeepsTheOldSize) {
  b_->snapshot(snapshot_, volume_);
  b_->publish(*b_->extend(volume_, 16 * MiB));
  EXPECT_EQ(b_->inspect(VBS_KIND_SNAPSHOT, snapshot_, b_->refs(snapshot_))->objects.at(0).size_bytes, 8 * MiB);
  EXPECT_EQ(b_->inspect(VBS_KIND_VOLUME, volume_, b_->refs(volume_))->objects.at(0).size_bytes, 16 * MiB);
  EXPECT_EQ(b_->read(VBS_KIND_VOLUME, volume_, 0, MiB), a_);
}

TEST_P(Snapshot, IsWholeAfterTheBackEndWasOpenedAgainInTheMiddle) {
  const std::vector group{b_->snapshot_args(snapshot_, volume_)};
  ASSERT_EQ(b_->prepare(group)->status, VBS_OK);
  ASSERT_EQ(b_->open().status, VBS_OK);
  b_->publish(*b_->take(group, 2));
  ASSERT_EQ(b_->open().status, VBS_OK);
  EXPECT_EQ(b_->take(group, 3)->status, VBS_OK);
  ASSERT_EQ(b_->finish(group, true)->status, VBS_OK);
  EXPECT_EQ(bytes(VBS_KIND_SNAPSHOT, snapshot_), a_);
}

}  // namespace
}  // namespace vbs::test
