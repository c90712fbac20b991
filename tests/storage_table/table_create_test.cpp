// SPDX-License-Identifier: MIT
#include "tests/storage_table/backend.hpp"

namespace vbs::test {
namespace {
class Create : public BackendTest {};
ON_EVERY_DISK(Create);

TEST_P(Create, MakesAVolumeOfTheAskedSizeThatStandsOnADeclaredLayer) {
  const auto made = b_->create(uuid(1), 8 * MiB);
  ASSERT_EQ(made->status, VBS_OK) << made->message;
  ASSERT_EQ(made->objects.size(), 1u);
  EXPECT_EQ(made->objects[0].id, uuid(1));
  EXPECT_EQ(made->objects[0].kind, static_cast<uint32_t>(VBS_KIND_VOLUME));
  EXPECT_EQ(made->objects[0].size_bytes, 8 * MiB);
  EXPECT_EQ(made->objects[0].format, "raw");
  ASSERT_EQ(made->layers.size(), 1u);
  EXPECT_EQ(made->layers[0].name, made->objects[0].layer);
  EXPECT_EQ(made->layers[0].parent, "");
}

TEST_P(Create, TakesNoSpaceForBytesThatWereNeverWritten) {
  const auto made = b_->create(uuid(1), 1024 * MiB);
  ASSERT_EQ(made->status, VBS_OK) << made->message;
  EXPECT_EQ(made->objects[0].allocated_bytes, 0u);
}

TEST_P(Create, AgainWithTheSameParametersGivesTheSameVolume) {
  const auto first = b_->create(uuid(1), 8 * MiB);
  const auto files = b_->files();
  for (const uint64_t epoch : {1, 2, 7}) {
    const auto again = b_->create(uuid(1), 8 * MiB, epoch);
    ASSERT_EQ(again->status, VBS_OK) << again->message;
    EXPECT_EQ(again->objects.at(0).refs, first->objects.at(0).refs);
    EXPECT_EQ(again->layers.at(0).name, first->layers.at(0).name);
    EXPECT_EQ(b_->files(), files);
  }
}

TEST_P(Create, AgainAfterTheVolumeWasWrittenKeepsItsData) {
  b_->new_volume(uuid(1), 8 * MiB);
  b_->write(uuid(1), 'x', 0, MiB);
  EXPECT_EQ(b_->create(uuid(1), 8 * MiB, 2)->status, VBS_OK);
  EXPECT_EQ(b_->read(VBS_KIND_VOLUME, uuid(1), 0, MiB), std::string(MiB, 'x'));
}

TEST_P(Create, AgainWithAnotherSizeIsAConflictThatNamesBothSizes) {
  b_->new_volume(uuid(1), 8 * MiB);
  const auto again = b_->create(uuid(1), 16 * MiB);
  EXPECT_EQ(again->status, VBS_CONFLICT);
  EXPECT_NE(again->message.find("8388608"), std::string::npos) << again->message;
  EXPECT_NE(again->message.find("16777216"), std::string::npos) << again->message;
}

TEST_P(Create, AgainFromAnotherSourceIsAConflict) {
  b_->new_volume(uuid(1), 8 * MiB);
  b_->new_volume(uuid(2), 8 * MiB);
  EXPECT_EQ(b_->create_from(uuid(1), 8 * MiB, VBS_KIND_VOLUME, uuid(2))->status, VBS_CONFLICT);
}

TEST_P(Create, NeverShowsOldBytesOfARemovedVolume) {
  b_->new_volume(uuid(1), 8 * MiB);
  b_->write(uuid(1), 's', 0, 8 * MiB);
  ASSERT_EQ(b_->remove(VBS_KIND_VOLUME, uuid(1))->status, VBS_OK);
  b_->new_volume(uuid(2), 8 * MiB);
  EXPECT_EQ(b_->read(VBS_KIND_VOLUME, uuid(2), 0, 8 * MiB), std::string(8 * MiB, '\0'));
}

TEST_P(Create, RefusesIdsThatAreNotUuids) {
  const auto good = uuid(1);
  for (const std::string id : {"", "x", "../../etc/passwd", "5e570000-0000-4000-8000-00000000000A",
                               "5e570000-0000-4000-8000-000000000001/..", "5e570000-0000-4000-8000-00000000000\n"}) {
    const auto made = b_->create(id, 8 * MiB);
    EXPECT_EQ(made->status, VBS_INVALID) << id;
  }
  EXPECT_TRUE(b_->files().empty());
}

TEST_P(Create, RefusesSizesThatAreNoWholeSectors) {
  for (const uint64_t size : {uint64_t{0}, uint64_t{511}, 8 * MiB + 1, UINT64_MAX - 511})
    EXPECT_EQ(b_->create(uuid(1), size)->status, VBS_INVALID) << size;
  EXPECT_TRUE(b_->files().empty());
}

TEST_P(Create, SaysVolumesGrowAndNeverShrink) {
  b_->new_volume(uuid(1), 8 * MiB);
  b_->write(uuid(1), 'x', 7 * MiB, MiB);
  b_->publish(*b_->extend(uuid(1), 16 * MiB));
  EXPECT_EQ(b_->objects.at(uuid(1)).size_bytes, 16 * MiB);
  EXPECT_EQ(b_->read(VBS_KIND_VOLUME, uuid(1), 7 * MiB, 2 * MiB), std::string(MiB, 'x') + std::string(MiB, '\0'));
  const auto smaller = b_->extend(uuid(1), 8 * MiB);
  EXPECT_EQ(smaller->status, VBS_INVALID);
  EXPECT_NE(smaller->message.find("smaller"), std::string::npos) << smaller->message;
}

TEST_P(Create, ExtendAgainEndsAtTheSameSize) {
  b_->new_volume(uuid(1), 8 * MiB);
  ASSERT_EQ(b_->extend(uuid(1), 16 * MiB)->status, VBS_OK);
  const auto again = b_->extend(uuid(1), 16 * MiB, false, 2);  // with the refs from before, as after a crash
  b_->publish(*again);
  EXPECT_EQ(b_->objects.at(uuid(1)).size_bytes, 16 * MiB);
  const auto equal = b_->extend(uuid(1), 16 * MiB);
  EXPECT_EQ(equal->status, VBS_OK);
  EXPECT_EQ(equal->objects.at(0).refs, b_->refs(uuid(1)));
  const auto seen = b_->list();
  ASSERT_EQ(seen->objects.size(), 1u);
  EXPECT_EQ(seen->objects[0].size_bytes, 16 * MiB);
  EXPECT_TRUE(seen->leftovers.empty());
}

TEST_P(Create, ExtendInUseAnswersTheNewSizeOrWasNotPromised) {
  const bool promised = (b_->open().instances.at(0).capabilities & VBS_CAP_EXTEND_IN_USE) != 0;
  b_->new_volume(uuid(1), 8 * MiB);
  const auto grown = b_->extend(uuid(1), 16 * MiB, true);
  if (!promised) {
    EXPECT_EQ(grown->status, VBS_CONFLICT);
    EXPECT_NE(grown->message.find("detach"), std::string::npos) << grown->message;
    return;
  }
  b_->publish(*grown);
  EXPECT_EQ(b_->objects.at(uuid(1)).size_bytes, 16 * MiB);
}

TEST_P(Create, RefusesRefsThatItDidNotWrite) {
  b_->new_volume(uuid(1), 8 * MiB);
  for (const std::string refs : {"", "{}", "nonsense", R"({"v":2,"gen":1,"size":512,"file":"x.raw","chain":[]})",
                                 R"({"v":1,"gen":1,"size":512,"file":"../../../etc/shadow","chain":[]})"}) {
    b_->objects[uuid(1)].refs = refs;
    const auto answer = b_->extend(uuid(1), 16 * MiB);
    EXPECT_EQ(answer->status, VBS_INVALID) << refs;
  }
}

}  // namespace
}  // namespace vbs::test
