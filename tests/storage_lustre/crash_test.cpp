// SPDX-License-Identifier: MIT
//
// What a crash leaves behind, made by hand: the same call, with the same or a higher epoch, must come to the same end,
// and nothing may be lost that was published.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/storage_table/backend.hpp"

namespace vbs::test {
namespace {
namespace fs = std::filesystem;

class Crash : public BackendTest {
 protected:
  std::string path(const std::string& name) const { return root_ + "/images/" + name; }
  void leave(const std::string& name, const std::string& text) { std::ofstream(path(name)) << text; }
  void reopen() { ASSERT_EQ(b_->open().status, VBS_OK); }
  // State of a volume or snapshot call right after each file that it makes, by taking files of the finished state away.
  std::vector<std::string> new_files(const std::vector<std::string>& before) const {
    std::vector<std::string> out;
    for (const auto& name : b_->files())
      if (std::find(before.begin(), before.end(), name) == before.end()) out.push_back(name);
    return out;
  }
};
ON_EVERY_DISK(Crash);

TEST_P(Crash, FilesOfALowerAttemptAreReplaced) {
  leave(uuid(1) + ".1.raw", "half");
  leave(uuid(1) + ".1.qcow2", "half");
  leave(uuid(1) + ".1.1.json", "{\"kind\":1,\"id\":");
  reopen();
  b_->publish(*b_->create(uuid(1), 8 * MiB, 2));
  EXPECT_EQ(b_->files(), (std::vector<std::string>{uuid(1) + ".1.2.json", uuid(1) + ".2.raw"}));
  EXPECT_EQ(b_->read(VBS_KIND_VOLUME, uuid(1), 0, MiB), std::string(MiB, '\0'));
}

TEST_P(Crash, FilesOfTheSameAttemptAreReplaced) {
  leave(uuid(1) + ".1.raw", "half");
  reopen();
  b_->publish(*b_->create(uuid(1), 8 * MiB, 1));
  EXPECT_EQ(b_->read(VBS_KIND_VOLUME, uuid(1), 0, MiB), std::string(MiB, '\0'));
}

TEST_P(Crash, ASidecarWhoseImageIsMissingOrShortIsNoVolume) {
  ASSERT_EQ(b_->create(uuid(1), 8 * MiB)->status, VBS_OK);
  fs::resize_file(path(uuid(1) + ".1.raw"), MiB);
  EXPECT_TRUE(b_->list()->objects.empty());
  EXPECT_EQ(b_->inspect(VBS_KIND_VOLUME, uuid(1), "")->status, VBS_NOT_FOUND);
  fs::remove(path(uuid(1) + ".1.raw"));
  EXPECT_TRUE(b_->list()->objects.empty());
  reopen();
  b_->publish(*b_->create(uuid(1), 8 * MiB, 2));
  EXPECT_EQ(b_->list()->objects.size(), 1u);
}

TEST_P(Crash, AnOlderAttemptIsRefusedOnceANewerOneHasBeenThere) {
  leave(uuid(1) + ".5.raw", "half");
  reopen();
  const auto late = b_->create(uuid(1), 8 * MiB, 4);
  EXPECT_EQ(late->status, VBS_STALE);
  EXPECT_TRUE(fs::exists(path(uuid(1) + ".5.raw")));
}

TEST_P(Crash, AFileThatAppearedBehindOurBackIsNeverOverwritten) {
  leave(uuid(1) + ".1.raw", "data of somebody");
  const auto made = b_->create(uuid(1), 8 * MiB, 1);
  EXPECT_EQ(made->status, VBS_CONFLICT);
  EXPECT_EQ(fs::file_size(path(uuid(1) + ".1.raw")), 16u);
}

// Takes away, one after the other, what the last files of a finished call were, and repeats the call.
TEST_P(Crash, SnapshotTakenHalfwayIsTakenAgain) {
  for (const uint64_t epoch : {1, 2}) {
    for (size_t lost = 1; lost <= 2; ++lost) {
      const auto volume = uuid(static_cast<int>(100 + 10 * epoch + lost)),
                 snapshot = uuid(static_cast<int>(200 + 10 * epoch + lost));
      b_->new_volume(volume, 8 * MiB);
      b_->write(volume, 'a', 0, MiB);
      const std::vector group{b_->snapshot_args(snapshot, volume)};
      ASSERT_EQ(b_->prepare(group)->status, VBS_OK);
      const auto prepared = b_->files();
      ASSERT_EQ(b_->take(group, 1)->status, VBS_OK);
      auto made = new_files(prepared);
      std::sort(made.begin(), made.end(), [&](const auto& a, const auto& b) {
        // In the order in which take makes them: images, the volume's sidecar, the snapshot's.
        const auto rank = [&](const std::string& s) {
          return s.ends_with(".json") ? (s.starts_with(volume) ? 1 : 2) : 0;
        };
        return rank(a) < rank(b);
      });
      for (size_t i = 0; i < std::min(lost, made.size()); ++i) fs::remove(path(made[made.size() - 1 - i]));
      reopen();
      EXPECT_EQ(b_->inspect(VBS_KIND_SNAPSHOT, snapshot, "")->status, VBS_NOT_FOUND);
      const auto again = b_->take(group, epoch);
      ASSERT_NO_FATAL_FAILURE(b_->publish(*again));
      ASSERT_EQ(b_->finish(group, true)->status, VBS_OK);
      b_->write(volume, 'b', 0, MiB);
      EXPECT_EQ(b_->read(VBS_KIND_SNAPSHOT, snapshot, 0, MiB), std::string(MiB, 'a'));
      EXPECT_EQ(b_->read(VBS_KIND_VOLUME, volume, 0, MiB), std::string(MiB, 'b'));
      const auto seen = b_->list();
      EXPECT_TRUE(seen->leftovers.empty()) << seen->leftovers.at(0).name;
    }
  }
}

TEST_P(Crash, CloneMadeHalfwayIsMadeAgain) {
  for (const uint64_t epoch : {1, 2}) {
    for (size_t lost = 1; lost <= 4; ++lost) {
      const auto source = uuid(static_cast<int>(100 + 10 * epoch + lost)),
                 clone = uuid(static_cast<int>(200 + 10 * epoch + lost));
      b_->new_volume(source, 8 * MiB);
      b_->write(source, 'a', 0, MiB);
      const auto before = b_->files();
      ASSERT_EQ(b_->create_from(clone, 8 * MiB, VBS_KIND_VOLUME, source)->status, VBS_OK);
      auto made = new_files(before);
      std::sort(made.begin(), made.end(), [&](const auto& a, const auto& b) {
        const auto rank = [&](const std::string& s) {
          return (s.ends_with(".json") ? 2 : 0) + (s.starts_with(clone) == s.ends_with(".json") ? 1 : 0);
        };
        return rank(a) < rank(b);
      });
      for (size_t i = 0; i < std::min(lost, made.size()); ++i) fs::remove(path(made[made.size() - 1 - i]));
      reopen();
      ASSERT_NO_FATAL_FAILURE(b_->publish(*b_->create_from(clone, 8 * MiB, VBS_KIND_VOLUME, source, false, epoch)));
      b_->write(source, 'b', 0, MiB);
      EXPECT_EQ(b_->read(VBS_KIND_VOLUME, clone, 0, MiB), std::string(MiB, 'a'));
      EXPECT_EQ(b_->read(VBS_KIND_VOLUME, source, 0, MiB), std::string(MiB, 'b'));
      const auto seen = b_->list();
      EXPECT_TRUE(seen->leftovers.empty()) << seen->leftovers.at(0).name;
    }
  }
}

TEST_P(Crash, UnfinishedOverlayOfPrepareIsReplaced) {
  b_->new_volume(uuid(1), 8 * MiB);
  b_->write(uuid(1), 'a', 0, MiB);
  leave(uuid(1) + "." + uuid(2) + ".1.qcow2", "half");
  reopen();
  const std::vector group{b_->snapshot_args(uuid(2), uuid(1))};
  for (const uint64_t epoch : {1, 2}) ASSERT_EQ(b_->prepare(group, epoch)->status, VBS_OK);
  b_->publish(*b_->take(group));
  ASSERT_EQ(b_->finish(group, true)->status, VBS_OK);
  EXPECT_EQ(b_->read(VBS_KIND_VOLUME, uuid(1), 0, MiB), std::string(MiB, 'a'));
  EXPECT_TRUE(b_->list()->leftovers.empty());
}

TEST_P(Crash, AbandonedSnapshotIsSweptByTheNextChangeOfItsVolume) {
  b_->new_volume(uuid(1), 8 * MiB);
  b_->write(uuid(1), 'a', 0, MiB);
  ASSERT_EQ(b_->prepare({b_->snapshot_args(uuid(2), uuid(1))})->status, VBS_OK);
  reopen();
  b_->publish(*b_->extend(uuid(1), 16 * MiB));
  EXPECT_TRUE(b_->list()->leftovers.empty());
  EXPECT_EQ(b_->read(VBS_KIND_VOLUME, uuid(1), 0, MiB), std::string(MiB, 'a'));
}

TEST_P(Crash, OldRefsDoNotDestroyWhatCameAfterThem) {
  b_->new_volume(uuid(1), 8 * MiB);
  const auto old_refs = b_->refs(uuid(1));
  b_->snapshot(uuid(2), uuid(1));
  b_->write(uuid(1), 'n', 0, MiB);
  const auto files = b_->files();
  const auto new_refs = b_->refs(uuid(1));
  b_->objects[uuid(1)].refs = old_refs;
  const auto answer = b_->extend(uuid(1), 16 * MiB);
  if (by_overlay()) {
    EXPECT_EQ(answer->status, VBS_STALE) << answer->message;
    EXPECT_EQ(b_->files(), files);
  }
  b_->objects[uuid(1)].refs = new_refs;
  EXPECT_EQ(b_->read(VBS_KIND_VOLUME, uuid(1), 0, MiB), std::string(MiB, 'n'));
}

TEST_P(Crash, InterruptedExtendShowsTheTrueSizeAndGoesOn) {
  b_->new_volume(uuid(1), 8 * MiB);
  fs::resize_file(path(b_->objects.at(uuid(1)).layer), 32 * MiB);
  EXPECT_EQ(b_->inspect(VBS_KIND_VOLUME, uuid(1), b_->refs(uuid(1)))->objects.at(0).size_bytes, 32 * MiB);
  b_->publish(*b_->extend(uuid(1), 16 * MiB, false, 2));  // the tail may hold data: it is kept, and the answer is true
  EXPECT_EQ(b_->objects.at(uuid(1)).size_bytes, 32 * MiB);
}

TEST_P(Crash, CancelledCopyLeavesNothing) {
  if (GetParam().method != "copy") GTEST_SKIP() << "only a copy takes long enough to be cancelled";
  b_->new_volume(uuid(1), 32 * MiB);
  b_->write(uuid(1), 'a', 0, 32 * MiB);
  const auto before = b_->files();
  b_->tune = [](FakeCall& c) { c.cancel_after_asked = 2; };
  EXPECT_EQ(b_->create_from(uuid(2), 32 * MiB, VBS_KIND_VOLUME, uuid(1))->status, VBS_CANCELLED);
  EXPECT_EQ(b_->files(), before);
  b_->tune = nullptr;
  const auto made = b_->create_from(uuid(2), 32 * MiB, VBS_KIND_VOLUME, uuid(1));
  ASSERT_EQ(made->status, VBS_OK);
  ASSERT_FALSE(made->progress.empty());
  EXPECT_EQ(made->progress.back(), (std::pair{32 * MiB, 32 * MiB}));
}

TEST_P(Crash, CallWhoseTimeIsOverRemovesNothingAndTheNextAttemptCleansUp) {
  if (GetParam().method != "copy") GTEST_SKIP() << "only a copy takes long enough to run into its deadline";
  b_->new_volume(uuid(1), 8 * MiB);
  b_->write(uuid(1), 'a', 0, 8 * MiB);
  b_->tune = [](FakeCall& c) { c.remaining_ms = -1; };
  EXPECT_EQ(b_->create_from(uuid(2), 8 * MiB, VBS_KIND_VOLUME, uuid(1))->status, VBS_UNKNOWN);
  b_->tune = nullptr;
  EXPECT_EQ(b_->list()->leftovers.size(), 1u);
  b_->publish(*b_->create_from(uuid(2), 8 * MiB, VBS_KIND_VOLUME, uuid(1), false, 2));
  EXPECT_TRUE(b_->list()->leftovers.empty());
}

TEST_P(Crash, FailedCommandLeavesNothingAndSaysWhy) {
  if (!by_overlay()) GTEST_SKIP() << "only overlays need a command";
  b_->new_volume(uuid(1), 8 * MiB);
  const auto before = b_->files();
  const auto real = b_->host.commands["qemu_img_create"];
  b_->host.commands["qemu_img_create"] = {"sh", "-c", "echo the disk is on strike >&2; exit 1"};
  EXPECT_EQ(b_->prepare({b_->snapshot_args(uuid(2), uuid(1))})->status, VBS_INTERNAL);
  EXPECT_EQ(b_->files(), before);
  // A pattern that succeeds without doing what was asked is found out by reading back.
  b_->host.commands["qemu_img_create"] = {"true"};
  const auto lied = b_->prepare({b_->snapshot_args(uuid(2), uuid(1))});
  EXPECT_EQ(lied->status, VBS_INTERNAL);
  EXPECT_NE(lied->message.find("qemu_img_create"), std::string::npos) << lied->message;
  EXPECT_EQ(b_->files(), before);
  b_->host.commands["qemu_img_create"] = real;
  b_->snapshot(uuid(2), uuid(1));
}

}  // namespace
}  // namespace vbs::test
