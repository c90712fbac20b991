// SPDX-License-Identifier: MIT
//
// Marker, lock and what open() finds out.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/storage_table/backend.hpp"

namespace vbs::test {
namespace {
namespace fs = std::filesystem;
constexpr const char* kOtherId = "0b0e0000-0000-4000-8000-000000000002";

class Open : public BackendTest {
 protected:
  std::string marker() const { return root_ + "/.vbs-backend"; }
  // Every call of the table, as one list of answers.
  std::vector<vbs_status> answers_of_every_call() {
    const std::vector group{plugin::SnapshotArgs{uuid(8), uuid(1), b_->refs(uuid(1)), false, "{}"}};
    return {b_->create(uuid(7), MiB)->status,
            b_->extend(uuid(1), 16 * MiB)->status,
            b_->prepare(group)->status,
            b_->take(group)->status,
            b_->finish(group, false)->status,
            b_->remove_raw(VBS_KIND_VOLUME, uuid(7), "", {})->status,
            b_->list()->status,
            b_->inspect(VBS_KIND_VOLUME, uuid(1), "")->status,
            b_->discard(uuid(1) + ".9.raw")->status,
            b_->capacity()->status,
            b_->export_volume(uuid(1), true)->status,
            b_->open_data(VBS_KIND_VOLUME, uuid(1), true)->status,
            b_->extents(VBS_KIND_VOLUME, uuid(1))->status};
  }
};
ON_EVERY_DISK(Open);

TEST_P(Open, WritesItsIdIntoAnEmptyRootAndFindsItAgain) {
  std::ifstream in(marker());
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  EXPECT_NE(text.find(kBackendId), std::string::npos);
  EXPECT_EQ(b_->open().status, VBS_OK);
}

TEST_P(Open, RefusesARootOfAnotherBackEnd) {
  const auto& opened = b_->open(kOtherId);
  EXPECT_EQ(opened.status, VBS_CONFLICT);
  EXPECT_NE(opened.message.find(kBackendId), std::string::npos) << opened.message;
  EXPECT_FALSE(b_->is_open());
}

TEST_P(Open, WithoutAnIdTakesThatOfTheMarkerAndSaysIt) {
  const auto& opened = b_->open("");
  ASSERT_EQ(opened.status, VBS_OK) << opened.message;
  EXPECT_NE(opened.instances.at(0).json.find(std::string("\"backend_id\":\"") + kBackendId), std::string::npos);
  EXPECT_EQ(b_->create(uuid(1), MiB)->status, VBS_OK);
}

TEST_P(Open, WithoutAnIdMakesNoMarkerOfItsOwn) {
  b_->close();
  for (const auto length : {30, 0}) {
    fs::resize_file(marker(), static_cast<uintmax_t>(length));
    EXPECT_EQ(b_->open("").status, VBS_NOT_FOUND) << length;
  }
  fs::remove(marker());
  EXPECT_EQ(b_->open("").status, VBS_NOT_FOUND);
  EXPECT_FALSE(fs::exists(marker()));
}

TEST_P(Open, FinishesAMarkerThatACrashCutShort) {
  for (const auto length : {0, 5, 30}) {
    b_->close();
    fs::resize_file(marker(), static_cast<uintmax_t>(length));
    EXPECT_EQ(b_->open().status, VBS_OK) << length;
    EXPECT_EQ(b_->create(uuid(50 + length), MiB)->status, VBS_OK);
    b_->remove_raw(VBS_KIND_VOLUME, uuid(50 + length), "", {});
  }
}

TEST_P(Open, RefusesARootThatIsNotEmptyAndHasNoMarker) {
  b_->close();
  fs::remove(marker());
  std::ofstream(root_ + "/somebodys-file") << "mine";
  const auto& opened = b_->open();
  EXPECT_EQ(opened.status, VBS_UNAVAILABLE);
  EXPECT_NE(opened.message.find("somebodys-file"), std::string::npos) << opened.message;
  EXPECT_FALSE(fs::exists(marker()));
}

TEST_P(Open, OfAMissingRootIsUnavailable) {
  b_->config = config_json(root_ + "/not-there", GetParam().method);
  EXPECT_EQ(b_->open().status, VBS_UNAVAILABLE);
}

TEST_P(Open, OfARootWhoseMountPointIsNotMountedTouchesNothing) {
  b_->close();
  const auto inner = root_ + "/inner";
  fs::create_directory(inner);
  b_->config = config_json(inner, GetParam().method, ",\"mount_point\":\"" + inner + "\"");
  const auto& opened = b_->open();
  EXPECT_EQ(opened.status, VBS_UNAVAILABLE);
  EXPECT_NE(opened.message.find("not mounted"), std::string::npos) << opened.message;
  EXPECT_TRUE(fs::is_empty(inner));
}

TEST_P(Open, EveryCallIsUnavailableWhileTheMarkerIsMissing) {
  b_->new_volume(uuid(1), 8 * MiB);
  const auto before = b_->files();
  fs::rename(marker(), root_ + "/away");
  for (const auto status : answers_of_every_call()) EXPECT_EQ(status, VBS_UNAVAILABLE);
  fs::rename(root_ + "/away", marker());
  EXPECT_EQ(b_->files(), before);
  EXPECT_EQ(b_->create(uuid(7), MiB)->status, VBS_OK);
}

TEST_P(Open, EveryCallIsUnavailableWhenAnotherRootTookItsPlace) {
  b_->new_volume(uuid(1), 8 * MiB);
  fs::rename(root_, root_ + ".away");
  fs::create_directory(root_);
  for (const auto status : answers_of_every_call()) EXPECT_EQ(status, VBS_UNAVAILABLE);
  EXPECT_TRUE(fs::is_empty(root_));
  std::ofstream(marker()) << "{\"vbs_backend\":\"" << kOtherId << "\",\"layout\":1}\n";
  for (const auto status : answers_of_every_call()) EXPECT_EQ(status, VBS_UNAVAILABLE);
  remove_tree(root_);
  fs::rename(root_ + ".away", root_);
  EXPECT_EQ(b_->list()->objects.size(), 1u);
}

TEST_P(Open, OfARootThatIsOpenAlreadySaysSo) {
  Backend second(root_, GetParam().method);
  const auto& refused = second.open();
  EXPECT_EQ(refused.status, VBS_UNAVAILABLE);
  EXPECT_NE(refused.message.find("another instance"), std::string::npos) << refused.message;
  b_->close();
  EXPECT_EQ(second.open().status, VBS_OK);
}

TEST_P(Open, LeavesNoScratchFiles) { EXPECT_TRUE(b_->files().empty()) << b_->files().at(0); }

TEST_P(Open, SaysWhatHoldsForThisConfiguration) {
  const auto facts = b_->open().instances.at(0);
  EXPECT_EQ((facts.capabilities & VBS_CAP_REFLINK) != 0, by_reflink());
  EXPECT_EQ((facts.capabilities & VBS_CAP_FAST_CLONE) != 0, GetParam().method != "copy");
  EXPECT_EQ((facts.capabilities & VBS_CAP_TARGET_RO), 0u);
  EXPECT_NE(facts.json.find(GetParam().method), std::string::npos) << facts.json;
}

TEST_P(Open, AutoTakesReflinksWhereTheFileSystemHasThem) {
  b_->config = config_json(root_, "auto");
  const auto facts = b_->open().instances.at(0);
  if (by_reflink()) {
    EXPECT_NE(facts.json.find("\"reflink\""), std::string::npos) << facts.json;
  } else {
    EXPECT_EQ(facts.json.find("\"copy\""), std::string::npos) << facts.json;
  }
}

TEST_P(Open, WithoutQemuImgAutoCopiesAndOverlayIsRefused) {
  b_->host.commands["qemu_img_version"] = {"there-is-no-such-program"};
  b_->config = config_json(root_, "overlay");
  const auto& refused = b_->open();
  EXPECT_EQ(refused.status, VBS_INVALID);
  EXPECT_NE(refused.message.find("qemu-utils"), std::string::npos) << refused.message;
  b_->config = config_json(root_, "auto");
  EXPECT_EQ(b_->open().status, VBS_OK);
}

TEST_P(Open, TheEntryAnswersHostsOfItsVersionAndTellsOthersWhyNot) {
  vbs_versions versions{sizeof versions, 0, 5, 0, 0, 0, 0};
  const auto* plugin = plugin_entry()(b_->host.table(), &versions);
  ASSERT_NE(plugin, nullptr);
  EXPECT_EQ(plugin->magic, VBS_PLUGIN_MAGIC);
  EXPECT_EQ(plugin::view(plugin->name), "storage_lustre");
  EXPECT_EQ(plugin->storage_version, 0u);
  versions.storage_min = 1;
  EXPECT_EQ(plugin_entry()(b_->host.table(), &versions), nullptr);
  EXPECT_NE(b_->host.log().find("this host versions 1 to 5"), std::string::npos) << b_->host.log();
}

}  // namespace
}  // namespace vbs::test
