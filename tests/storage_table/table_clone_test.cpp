// SPDX-License-Identifier: MIT
#include "tests/storage_table/backend.hpp"

namespace vbs::test {
namespace {
class Clone : public BackendTest {
 protected:
  void SetUp() override {
    BackendTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    b_->new_volume(source_, 8 * MiB);
    b_->write(source_, 'a', 0, MiB);
  }
  std::string bytes(const std::string& id) { return b_->read(VBS_KIND_VOLUME, id, 0, MiB); }
  const std::string source_ = uuid(1), clone_ = uuid(2), snapshot_ = uuid(3);
  const std::string a_ = std::string(MiB, 'a');
};
ON_EVERY_DISK(Clone);

TEST_P(Clone, OfAVolumeAndItsSourceNoLongerSeeEachOthersWrites) {
  b_->publish(*b_->create_from(clone_, 8 * MiB, VBS_KIND_VOLUME, source_));
  b_->write(source_, 's', 0, MiB / 2);
  b_->write(clone_, 'c', MiB / 2, MiB / 2);
  EXPECT_EQ(bytes(source_), std::string(MiB / 2, 's') + std::string(MiB / 2, 'a'));
  EXPECT_EQ(bytes(clone_), std::string(MiB / 2, 'a') + std::string(MiB / 2, 'c'));
}

TEST_P(Clone, OfASnapshotHasItsBytesAndLeavesItAlone) {
  b_->snapshot(snapshot_, source_);
  b_->write(source_, 's', 0, MiB);
  b_->publish(*b_->create_from(clone_, 8 * MiB, VBS_KIND_SNAPSHOT, snapshot_));
  EXPECT_EQ(bytes(clone_), a_);
  b_->write(clone_, 'c', 0, MiB);
  EXPECT_EQ(b_->read(VBS_KIND_SNAPSHOT, snapshot_, 0, MiB), a_);
  EXPECT_EQ(bytes(source_), std::string(MiB, 's'));
}

TEST_P(Clone, MayBeLargerThanItsSource) {
  b_->publish(*b_->create_from(clone_, 16 * MiB, VBS_KIND_VOLUME, source_));
  EXPECT_EQ(b_->inspect(VBS_KIND_VOLUME, clone_, b_->refs(clone_))->objects.at(0).size_bytes, 16 * MiB);
  EXPECT_EQ(bytes(clone_), a_);
  EXPECT_EQ(b_->read(VBS_KIND_VOLUME, clone_, 8 * MiB, 8 * MiB), std::string(8 * MiB, '\0'));
}

TEST_P(Clone, MayNotBeSmallerThanItsSource) {
  const auto made = b_->create_from(clone_, 4 * MiB, VBS_KIND_VOLUME, source_);
  EXPECT_EQ(made->status, VBS_INVALID);
  EXPECT_EQ(b_->list()->objects.size(), 1u);
}

TEST_P(Clone, OfAVolumeInUseWorksOnlyWhereExtentsAreShared) {
  const auto made = b_->create_from(clone_, 8 * MiB, VBS_KIND_VOLUME, source_, true);
  if (by_reflink()) {
    b_->publish(*made);
    EXPECT_EQ(bytes(clone_), a_);
  } else {
    EXPECT_EQ(made->status, VBS_BUSY);
    EXPECT_NE(made->message.find("in use"), std::string::npos) << made->message;
  }
}

TEST_P(Clone, AgainAnswersTheSameForCloneAndSource) {
  const auto first = b_->create_from(clone_, 8 * MiB, VBS_KIND_VOLUME, source_);
  ASSERT_EQ(first->status, VBS_OK) << first->message;
  for (const uint64_t epoch : {1, 2}) {
    const auto again = b_->create_from(clone_, 8 * MiB, VBS_KIND_VOLUME, source_, false, epoch);
    ASSERT_EQ(again->status, VBS_OK) << again->message;
    ASSERT_EQ(again->objects.size(), first->objects.size());
    for (size_t i = 0; i < first->objects.size(); ++i) EXPECT_EQ(again->objects[i].refs, first->objects[i].refs);
    EXPECT_EQ(again->layers.size(), first->layers.size());
  }
}

TEST_P(Clone, AgainAfterItsSourceMovedOnStillAnswersTheClone) {
  const auto source_refs = b_->refs(source_);
  b_->publish(*b_->create_from(clone_, 8 * MiB, VBS_KIND_VOLUME, source_));
  b_->write(clone_, 'c', 0, MiB);
  b_->snapshot(snapshot_, source_);
  b_->objects[source_].refs = source_refs;
  const auto again = b_->create_from(clone_, 8 * MiB, VBS_KIND_VOLUME, source_, false, 2);
  ASSERT_EQ(again->status, VBS_OK) << again->message;
  EXPECT_EQ(again->objects.size(), 1u);
  EXPECT_EQ(bytes(clone_), std::string(MiB, 'c'));
}

TEST_P(Clone, UndoneLeavesNothingBehindAndTheSourceAsItWas) {
  const auto before = b_->files();
  ASSERT_EQ(b_->create_from(clone_, 8 * MiB, VBS_KIND_VOLUME, source_)->status, VBS_OK);
  ASSERT_EQ(b_->remove_raw(VBS_KIND_VOLUME, clone_, "", {})->status, VBS_OK);  // never published
  EXPECT_EQ(b_->files(), before);
  b_->write(source_, 's', 0, MiB);
  EXPECT_EQ(bytes(source_), std::string(MiB, 's'));
}

TEST_P(Clone, OfACloneOfACloneStillHasTheBytes) {
  std::string from = source_;
  for (int i = 0; i < 6; ++i) {
    b_->publish(*b_->create_from(uuid(20 + i), 8 * MiB, VBS_KIND_VOLUME, from));
    from = uuid(20 + i);
    b_->write(from, static_cast<char>('0' + i), static_cast<uint64_t>(i + 1) * MiB, MiB);
  }
  EXPECT_EQ(bytes(from), a_);
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(b_->read(VBS_KIND_VOLUME, from, static_cast<uint64_t>(i + 1) * MiB, MiB),
              std::string(MiB, static_cast<char>('0' + i)));
}

TEST_P(Clone, ChainsThatGetTooLongStartAnewByACopy) {
  for (int i = 0; i < 36; ++i) {
    b_->snapshot(uuid(100 + i), source_);
    ASSERT_FALSE(HasFatalFailure()) << i;
  }
  b_->publish(*b_->create_from(clone_, 8 * MiB, VBS_KIND_VOLUME, source_));
  EXPECT_EQ(bytes(clone_), a_);
  EXPECT_EQ(b_->read(VBS_KIND_SNAPSHOT, uuid(135), 0, MiB), a_);
  EXPECT_TRUE(b_->list()->leftovers.empty());
}

TEST_P(Clone, FromSomethingThatIsGoneIsNotFound) {
  const auto refs = b_->refs(source_);
  ASSERT_EQ(b_->remove(VBS_KIND_VOLUME, source_)->status, VBS_OK);
  b_->objects[source_].refs = refs;
  EXPECT_EQ(b_->create_from(clone_, 8 * MiB, VBS_KIND_VOLUME, source_)->status, VBS_NOT_FOUND);
  EXPECT_TRUE(b_->files().empty());
}

}  // namespace
}  // namespace vbs::test
