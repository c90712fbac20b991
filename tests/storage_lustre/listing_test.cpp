// SPDX-License-Identifier: MIT
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/storage_table/backend.hpp"

namespace vbs::test {
namespace {
class Listing : public BackendTest {
 protected:
  void leave(const std::string& name) { std::ofstream(root_ + "/images/" + name) << "something"; }
};
ON_EVERY_DISK(Listing);

TEST_P(Listing, IsEnoughToRebuildTheStore) {
  b_->new_volume(uuid(1), 8 * MiB);
  b_->snapshot(uuid(2), uuid(1));
  b_->publish(*b_->create_from(uuid(3), 16 * MiB, VBS_KIND_SNAPSHOT, uuid(2)));
  b_->publish(*b_->extend(uuid(1), 32 * MiB));
  ASSERT_EQ(b_->open().status, VBS_OK);
  const auto seen = b_->list();
  ASSERT_EQ(seen->status, VBS_OK) << seen->message;
  ASSERT_EQ(seen->objects.size(), b_->objects.size());
  for (const auto& o : seen->objects) {
    const auto& known = b_->objects.at(o.id);
    EXPECT_EQ(o.refs, known.refs);
    EXPECT_EQ(o.kind, known.kind);
    EXPECT_EQ(o.size_bytes, known.size_bytes);
    EXPECT_EQ(o.format, known.format);
    EXPECT_EQ(o.layer, known.layer);
    EXPECT_EQ(o.facts, o.kind == VBS_KIND_VOLUME ? "{\"name\":\"a volume\"}" : "{\"name\":\"a snapshot\"}");
  }
  EXPECT_TRUE(seen->leftovers.empty());
}

TEST_P(Listing, NamesEachLayerOnceAlsoOneWhoseOwnObjectIsGone) {
  b_->new_volume(uuid(1), 8 * MiB);
  b_->snapshot(uuid(2), uuid(1));
  b_->publish(*b_->create_from(uuid(3), 8 * MiB, VBS_KIND_SNAPSHOT, uuid(2)));
  b_->snapshot(uuid(4), uuid(1));
  ASSERT_EQ(b_->remove(VBS_KIND_SNAPSHOT, uuid(2))->status, VBS_OK);
  ASSERT_EQ(b_->open().status, VBS_OK);
  const auto seen = b_->list();
  ASSERT_EQ(seen->layers.size(), b_->layers.size());
  for (const auto& l : seen->layers) {
    ASSERT_EQ(b_->layers.count(l.name), 1u) << l.name;
    EXPECT_EQ(l.parent, b_->layers.at(l.name).parent) << l.name;
    EXPECT_EQ(l.format, b_->layers.at(l.name).format) << l.name;
  }
}

TEST_P(Listing, NamesWhatLosersLeftAndDiscardRemovesIt) {
  b_->new_volume(uuid(1), 8 * MiB);
  const auto before = b_->files();
  const std::vector<std::string> lost{uuid(5) + ".1.raw", uuid(5) + ".1.1.json", uuid(1) + ".7.raw",
                                      uuid(1) + "." + uuid(6) + ".1.qcow2"};
  for (const auto& name : lost) leave(name);
  const auto seen = b_->list();
  EXPECT_EQ(seen->objects.size(), 1u);
  ASSERT_EQ(seen->leftovers.size(), lost.size());
  for (const auto& left : seen->leftovers) {
    EXPECT_EQ(left.object_id, left.name.find(uuid(6)) != std::string::npos ? uuid(6) : left.name.substr(0, 36));
    EXPECT_EQ(b_->discard(left.name)->status, VBS_OK);
    EXPECT_EQ(b_->discard(left.name)->status, VBS_OK);  // gone is gone
  }
  EXPECT_EQ(b_->files(), before);
}

TEST_P(Listing, DiscardRefusesWhatAnObjectNeeds) {
  b_->new_volume(uuid(1), 8 * MiB);
  b_->snapshot(uuid(2), uuid(1));
  ASSERT_EQ(b_->remove(VBS_KIND_SNAPSHOT, uuid(2))->status, VBS_OK);
  const auto files = b_->files();
  for (const auto& name : files) EXPECT_EQ(b_->discard(name)->status, VBS_CONFLICT) << name;
  for (const std::string name : {"", "..", "../.vbs-backend", "/etc/passwd", "foreign"})
    EXPECT_EQ(b_->discard(name)->status, VBS_INVALID) << name;
  EXPECT_EQ(b_->files(), files);
}

TEST_P(Listing, FilesThatAreNotOursAreNeitherShownNorTouched) {
  const std::vector<std::string> foreign{"README",
                                         ".hidden",
                                         uuid(1) + ".raw",
                                         uuid(1) + ".01.raw",
                                         uuid(1) + ".1.vmdk",
                                         "5E570000-0000-4000-8000-000000000001.1.raw",
                                         uuid(1) + ".1.raw.bak"};
  for (const auto& name : foreign) leave(name);
  std::filesystem::create_directory(root_ + "/images/a-directory");
  ASSERT_EQ(b_->open().status, VBS_OK);
  b_->new_volume(uuid(1), 8 * MiB);
  b_->snapshot(uuid(2), uuid(1));
  const auto seen = b_->list();
  EXPECT_EQ(seen->objects.size(), 2u);
  EXPECT_TRUE(seen->leftovers.empty());
  ASSERT_EQ(b_->remove(VBS_KIND_VOLUME, uuid(1))->status, VBS_OK);
  ASSERT_EQ(b_->remove(VBS_KIND_SNAPSHOT, uuid(2))->status, VBS_OK);
  auto expected = foreign;
  expected.push_back("a-directory");
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(b_->files(), expected);
}

TEST_P(Listing, DirectoriesAndLinksWithOurNamesAreNotFollowed) {
  const auto volume = uuid(1) + ".1.raw";
  std::ofstream(root_ + "/outside") << std::string(8 * MiB, 's');
  std::filesystem::create_symlink(root_ + "/outside", root_ + "/images/" + volume);
  EXPECT_NE(b_->create(uuid(1), 8 * MiB)->status, VBS_OK);
  EXPECT_EQ(std::filesystem::file_size(root_ + "/outside"), 8 * MiB);
  std::ofstream(root_ + "/images/" + uuid(1) + ".1.1.json")
      << R"({"kind":1,"id":")" << uuid(1) << R"(","v":1,"gen":1,"size":8388608,"file":")" << volume
      << R"(","chain":[],"asked":8388608,"source_kind":0,"source_id":"","facts":{}})";
  EXPECT_TRUE(b_->list()->objects.empty());
}

TEST_P(Listing, InspectKnowsObjectsWithAndWithoutTheirRefs) {
  b_->new_volume(uuid(1), 8 * MiB);
  b_->snapshot(uuid(2), uuid(1));
  for (const bool with_refs : {true, false}) {
    const auto seen = b_->inspect(VBS_KIND_VOLUME, uuid(1), with_refs ? b_->refs(uuid(1)) : "");
    ASSERT_EQ(seen->status, VBS_OK) << seen->message;
    EXPECT_EQ(seen->objects.at(0).refs, b_->refs(uuid(1)));
    EXPECT_EQ(seen->objects.at(0).facts, "{\"name\":\"a volume\"}");
  }
  EXPECT_EQ(b_->inspect(VBS_KIND_SNAPSHOT, uuid(1), "")->status, VBS_NOT_FOUND);
  EXPECT_EQ(b_->inspect(VBS_KIND_VOLUME, uuid(9), "")->status, VBS_NOT_FOUND);
}

TEST_P(Listing, AllocatedBytesAreThoseOnDisk) {
  b_->new_volume(uuid(1), 8 * MiB);
  b_->write(uuid(1), 'a', 0, 4 * MiB);
  const auto seen = b_->inspect(VBS_KIND_VOLUME, uuid(1), b_->refs(uuid(1)));
  EXPECT_GE(seen->objects.at(0).allocated_bytes, 4 * MiB);
  EXPECT_LT(seen->objects.at(0).allocated_bytes, 6 * MiB);
}

}  // namespace
}  // namespace vbs::test
