// SPDX-License-Identifier: MIT
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/storage_table/backend.hpp"

namespace vbs::test {
namespace {
class Data : public BackendTest {};
ON_EVERY_DISK(Data);

TEST_P(Data, ExportNamesPathFormatAndTheWholeChain) {
  b_->new_volume(uuid(1), 8 * MiB);
  b_->snapshot(uuid(2), uuid(1));
  b_->snapshot(uuid(3), uuid(1));
  const auto made = b_->export_volume(uuid(1), false);
  ASSERT_EQ(made->status, VBS_OK) << made->message;
  EXPECT_FALSE(made->connection.read_only);
  EXPECT_EQ(made->connection.kind, "file");
  EXPECT_EQ(made->connection.format, b_->objects.at(uuid(1)).format);
  rapidjson::Document d;
  d.Parse(made->connection.data.c_str());
  ASSERT_FALSE(d.HasParseError()) << made->connection.data;
  EXPECT_TRUE(std::filesystem::is_regular_file(d["path"].GetString()));
  ASSERT_EQ(d["backing"].Size(), by_overlay() ? 2u : 0u);
  for (const auto& file : d["backing"].GetArray()) {
    EXPECT_TRUE(std::filesystem::is_regular_file(file["path"].GetString()));
    EXPECT_TRUE(file["format"].IsString());
  }
  if (by_overlay()) {
    EXPECT_STREQ(d["backing"][0]["format"].GetString(), "qcow2");
    EXPECT_STREQ(d["backing"][1]["format"].GetString(), "raw");
  }
}

// CVE-2022-47951, CVE-2024-32498: a guest's bytes that look like an image with a backing file of the host.
TEST_P(Data, BytesOfAGuestThatLookLikeAnImageAreBytes) {
  b_->new_volume(uuid(1), 8 * MiB);
  rapidjson::Document d;
  d.Parse(b_->export_volume(uuid(1), false)->connection.data.c_str());
  std::string header("QFI\xfb\0\0\0\x03\0\0\0\0\0\0\x02\0\0\0\0\x0b\0\0\0\x10\0\0\0\0\0\x40\0\0", 32);
  header.resize(512);
  header += "/etc/passwd";
  std::fstream(d["path"].GetString(), std::ios::in | std::ios::out | std::ios::binary)
      .write(header.data(), static_cast<std::streamsize>(header.size()));
  b_->snapshot(uuid(2), uuid(1));
  const auto cloned = b_->create_from(uuid(3), 8 * MiB, VBS_KIND_VOLUME, uuid(1));
  ASSERT_EQ(cloned->status, VBS_OK) << cloned->message;
  b_->publish(*cloned);
  const auto extended = b_->extend(uuid(1), 16 * MiB);
  ASSERT_EQ(extended->status, VBS_OK) << extended->message;
  b_->publish(*extended);
  for (const auto& [kind, id] :
       {std::pair<uint32_t, int>{VBS_KIND_VOLUME, 1}, {VBS_KIND_SNAPSHOT, 2}, {VBS_KIND_VOLUME, 3}})
    EXPECT_EQ(b_->read(kind, uuid(id), 0, header.size()), header) << id;
  for (const int id : {1, 3}) {
    const auto made = b_->export_volume(uuid(id), false);
    EXPECT_EQ(made->connection.data.find("passwd"), std::string::npos) << made->connection.data;
    EXPECT_EQ(made->connection.format, b_->objects.at(uuid(id)).format);
  }
}

TEST_P(Data, ExportGrantsTheModeThatWasAskedFor) {
  b_->new_volume(uuid(1), 8 * MiB);
  EXPECT_TRUE(b_->export_volume(uuid(1), true)->connection.read_only);
}

TEST_P(Data, SnapshotsAreNeverOpenedForWriting) {
  b_->new_volume(uuid(1), 8 * MiB);
  b_->snapshot(uuid(2), uuid(1));
  EXPECT_EQ(b_->open_data(VBS_KIND_SNAPSHOT, uuid(2), true)->status, VBS_OK);
  EXPECT_EQ(b_->open_data(VBS_KIND_SNAPSHOT, uuid(2), false)->status, VBS_INVALID);
}

TEST_P(Data, ExtentsTellDataFromZeros) {
  b_->new_volume(uuid(1), 8 * MiB);
  b_->write(uuid(1), 'a', 2 * MiB, MiB);
  const auto check = [&](uint32_t kind, const std::string& id) {
    const auto found = b_->extents(kind, id);
    ASSERT_EQ(found->status, VBS_OK) << found->message;
    uint64_t at = 0, data = 0;
    for (const auto& e : found->extents) {
      EXPECT_EQ(e.offset_bytes, at);
      at += e.length_bytes;
      if (!e.zero) data += e.length_bytes;
    }
    EXPECT_EQ(at, 8 * MiB);
    EXPECT_EQ(data, MiB);
  };
  check(VBS_KIND_VOLUME, uuid(1));
  b_->snapshot(uuid(2), uuid(1));
  check(VBS_KIND_VOLUME, uuid(1));
  check(VBS_KIND_SNAPSHOT, uuid(2));
}

TEST_P(Data, ChangesSinceASnapshotAreNotSupported) {
  b_->new_volume(uuid(1), 8 * MiB);
  FakeCall c;
  EXPECT_EQ(b_->table().extents(b_->instance(), c.raw(), VBS_KIND_VOLUME, plugin::str(uuid(1)),
                                plugin::str(b_->refs(uuid(1))), plugin::str("{}")),
            VBS_NOT_SUPPORTED);
}

TEST_P(Data, WhatIsNotSupportedIsNullInTheTable) { EXPECT_EQ(b_->table().live_sessions, nullptr); }

TEST_P(Data, OfAVolumeWhoseFileIsLostIsNotFound) {
  b_->new_volume(uuid(1), 8 * MiB);
  std::filesystem::remove(b_->root + "/images/" + b_->objects.at(uuid(1)).layer);
  EXPECT_EQ(b_->export_volume(uuid(1), true)->status, VBS_NOT_FOUND);
  EXPECT_EQ(b_->open_data(VBS_KIND_VOLUME, uuid(1), true)->status, VBS_NOT_FOUND);
  EXPECT_EQ(b_->inspect(VBS_KIND_VOLUME, uuid(1), b_->refs(uuid(1)))->status, VBS_NOT_FOUND);
}

}  // namespace
}  // namespace vbs::test
