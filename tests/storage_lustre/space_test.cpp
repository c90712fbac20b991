// SPDX-License-Identifier: MIT
#include "tests/storage_table/backend.hpp"

namespace vbs::test {
namespace {
class SpaceOfBackend : public BackendTest {
 protected:
  void reopen(const std::string& more) {
    b_->config = config_json(root_, GetParam().method, more);
    const auto& opened = b_->open();
    ASSERT_EQ(opened.status, VBS_OK) << opened.message;
  }
};
ON_EVERY_DISK(SpaceOfBackend);

TEST_P(SpaceOfBackend, CapacityIsThatOfTheFileSystemLessTheReserve) {
  reopen(",\"reserve_bytes\":0,\"over_commit_ratio\":3.5");
  const auto all = b_->capacity()->capacity;
  reopen(",\"reserve_bytes\":104857600");
  const auto less = b_->capacity()->capacity;
  EXPECT_EQ(all.over_commit_ratio, 3.5);
  EXPECT_EQ(less.over_commit_ratio, 10);
  EXPECT_GT(all.total_bytes, all.free_bytes);
  EXPECT_NEAR(static_cast<double>(all.free_bytes - less.free_bytes), 100.0 * MiB, 64.0 * MiB);
}

TEST_P(SpaceOfBackend, PromisesBeyondTheLimitAreRefusedWithFigures) {
  reopen(",\"over_commit_ratio\":1");
  const uint64_t total = b_->capacity()->capacity.total_bytes / 512 * 512;
  b_->new_volume(uuid(1), total / 2 / 512 * 512);
  const auto files = b_->files();
  const auto refused = b_->create(uuid(2), total);
  EXPECT_EQ(refused->status, VBS_NO_SPACE);
  EXPECT_NE(refused->message.find("over_commit_ratio"), std::string::npos) << refused->message;
  EXPECT_NE(refused->message.find(std::to_string((total / 2) >> 20)), std::string::npos) << refused->message;
  EXPECT_EQ(b_->files(), files);
  EXPECT_EQ(b_->extend(uuid(1), 2 * total)->status, VBS_NO_SPACE);
  EXPECT_EQ(b_->files(), files);
  EXPECT_EQ(b_->create(uuid(3), MiB)->status, VBS_OK);
}

TEST_P(SpaceOfBackend, PromisesAreKnownAgainAfterOpening) {
  reopen(",\"over_commit_ratio\":1");
  const uint64_t total = b_->capacity()->capacity.total_bytes / 512 * 512;
  b_->new_volume(uuid(1), total);
  reopen(",\"over_commit_ratio\":1");
  EXPECT_EQ(b_->create(uuid(2), 16 * MiB)->status, VBS_NO_SPACE);
  ASSERT_EQ(b_->remove(VBS_KIND_VOLUME, uuid(1))->status, VBS_OK);
  EXPECT_EQ(b_->create(uuid(2), 16 * MiB)->status, VBS_OK);
}

TEST_P(SpaceOfBackend, RefusedAndUndoneCreatesGiveTheirPromiseBack) {
  reopen(",\"over_commit_ratio\":1");
  const uint64_t total = b_->capacity()->capacity.total_bytes / 512 * 512;
  EXPECT_EQ(b_->create(uuid(1), 2 * total)->status, VBS_NO_SPACE);
  ASSERT_EQ(b_->create(uuid(2), total)->status, VBS_OK);
  ASSERT_EQ(b_->remove_raw(VBS_KIND_VOLUME, uuid(2), "", {})->status, VBS_OK);
  EXPECT_EQ(b_->create(uuid(3), total)->status, VBS_OK);
}

TEST_P(SpaceOfBackend, WhatMustBeWrittenAtOnceMustBeFree) {
  b_->new_volume(uuid(1), 8 * MiB);
  b_->write(uuid(1), 'a', 0, 4 * MiB);
  const auto refs = b_->refs(uuid(1));
  const auto free = b_->capacity()->capacity.free_bytes;
  reopen(",\"reserve_bytes\":" + std::to_string(free * 2 + 1024 * MiB));
  const auto files = b_->files();
  const auto refused = b_->create_from(uuid(2), 8 * MiB, VBS_KIND_VOLUME, uuid(1));
  EXPECT_EQ(refused->status, VBS_NO_SPACE);
  EXPECT_NE(refused->message.find("reserve_bytes"), std::string::npos) << refused->message;
  EXPECT_EQ(b_->files(), files);
  EXPECT_EQ(b_->remove(VBS_KIND_VOLUME, uuid(1))->status, VBS_OK);  // deleting always works
}

}  // namespace
}  // namespace vbs::test
