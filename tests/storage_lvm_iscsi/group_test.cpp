// SPDX-License-Identifier: MIT
//
// The volume group: its marker, what is not ours in it, room, and calls that were killed in the middle.
#include "tests/storage_table/backend.hpp"

namespace vbs::test {
namespace {
class GroupTest : public BackendTest {
 protected:
  static void lvm(const std::vector<std::string>& argv) {
    const auto r = run(argv);
    ASSERT_EQ(r.exit_status, 0) << argv[0] << ": " << r.err;
  }
  bool thin() const { return by_reflink(); }
  std::string lv(const std::string& id) const { return "vg0/" + b_->objects.at(id).layer; }
};
ON_EVERY_DISK(GroupTest);

TEST_P(GroupTest, WithoutItsMarkerIsUnavailableAndNothingIsTouched) {
  b_->new_volume(uuid(1), 8 * MiB);
  lvm({"vgchange", "-q", "--deltag", std::string("vbs.backend=") + kBackendId, "vg0"});
  for (const auto& c : {b_->list(), b_->capacity(), b_->create(uuid(2), 8 * MiB),
                        b_->inspect(VBS_KIND_VOLUME, uuid(1), b_->refs(uuid(1)))})
    EXPECT_EQ(c->status, VBS_UNAVAILABLE) << c->message;
  EXPECT_EQ(b_->files().size(), 1u);
  const auto& opened = b_->open();
  EXPECT_EQ(opened.status, VBS_UNAVAILABLE) << "it has our volumes and no marker";
  lvm({"vgchange", "-q", "--addtag", std::string("vbs.backend=") + kBackendId, "vg0"});
  EXPECT_EQ(b_->open().status, VBS_OK);
}

TEST_P(GroupTest, OfAnotherBackEndIsRefusedAndARebuildTakesItAsItIs) {
  EXPECT_EQ(b_->open(uuid(7)).status, VBS_CONFLICT);
  EXPECT_EQ(b_->open("").status, VBS_OK);
}

TEST_P(GroupTest, ThatIsNotThereIsUnavailable) {
  auto config = b_->config;
  config.replace(config.find("vg0"), 3, "vg9");
  b_->config = config;
  const auto& opened = b_->open();
  EXPECT_EQ(opened.status, VBS_UNAVAILABLE);
  EXPECT_NE(opened.message.find("vg9"), std::string::npos) << opened.message;
}

TEST_P(GroupTest, KeepsForeignVolumesOutOfEverything) {
  const auto foreign = "vbs." + uuid(1) + ".1";  // the name alone does not make it ours
  lvm({"lvcreate", "-q", "-y", "-Zn", "-Wn", "-L", "4m", "-n", foreign, "vg0"});
  const auto seen = b_->list();
  EXPECT_TRUE(seen->objects.empty());
  EXPECT_TRUE(seen->leftovers.empty());
  EXPECT_EQ(b_->discard(foreign)->status, VBS_OK);
  EXPECT_EQ(b_->remove_raw(VBS_KIND_VOLUME, uuid(1), "", {foreign})->status, VBS_OK);
  EXPECT_EQ(b_->files(), std::vector{foreign});
}

TEST_P(GroupTest, ListsFactsThatWereGivenAtCreate) {
  b_->new_volume(uuid(1), 8 * MiB);
  const auto seen = b_->list();
  ASSERT_EQ(seen->objects.size(), 1u) << seen->message;
  EXPECT_EQ(seen->objects[0].facts, "{\"name\":\"a volume\"}");
  EXPECT_EQ(seen->objects[0].refs, b_->refs(uuid(1)));
}

TEST_P(GroupTest, FullerThanTheReserveRefusesNewWorkEarly) {
  const auto id = uuid(1);
  if (thin()) b_->new_volume(id, 512 * MiB);
  // The pool's small metadata is a little over 10 % full from the beginning.
  b_->config = config_json(b_->root, GetParam().method, ",\"reserve_percent\":90");
  ASSERT_EQ(b_->open().status, VBS_OK);
  const auto refused = b_->create(uuid(2), 4096 * MiB);
  EXPECT_EQ(refused->status, VBS_NO_SPACE) << refused->message;
  EXPECT_NE(refused->message.find(thin() ? "vg0/pool" : "vg0"), std::string::npos) << refused->message;
  EXPECT_NE(refused->message.find("reserve_percent"), std::string::npos) << refused->message;
  if (!thin()) return;
  EXPECT_EQ(b_->prepare({b_->snapshot_args(uuid(3), id)})->status, VBS_NO_SPACE);
  EXPECT_EQ(b_->extend(id, 1024 * MiB)->status, VBS_NO_SPACE);
}

TEST_P(GroupTest, ThatLostAVolumeBehindOurBackSaysSo) {
  b_->new_volume(uuid(1), 8 * MiB);
  lvm({"lvremove", "-q", "-y", lv(uuid(1))});
  const auto seen = b_->inspect(VBS_KIND_VOLUME, uuid(1), b_->refs(uuid(1)));
  EXPECT_EQ(seen->status, VBS_NOT_FOUND);
  EXPECT_NE(seen->message.find("lvs"), std::string::npos) << seen->message;
}

TEST_P(GroupTest, CreateThatWasKilledHalfWayEndsRightWithAHigherEpoch) {
  b_->new_volume(uuid(1), 8 * MiB);
  b_->write(uuid(1), 's', 0, 8 * MiB);
  // Thin: the volume is there and has no device. Thick: it is not marked as done, and shows old bytes.
  if (thin()) {
    lvm({"lvchange", "-q", "-an", lv(uuid(1))});
  } else {
    lvm({"lvchange", "-q", "--deltag", "vbs.done", lv(uuid(1))});
    EXPECT_EQ(b_->list()->leftovers.size(), 1u);
    EXPECT_TRUE(b_->list()->objects.empty());
  }
  const auto again = b_->create(uuid(1), 8 * MiB, 2);
  ASSERT_EQ(again->status, VBS_OK) << again->message;
  b_->publish(*again);
  EXPECT_EQ(b_->files().size(), 1u);
  EXPECT_EQ(b_->read(VBS_KIND_VOLUME, uuid(1), 0, MiB), std::string(MiB, thin() ? 's' : '\0'));
  EXPECT_TRUE(b_->list()->leftovers.empty());
}

TEST_P(GroupTest, ExtendThatWasKilledBeforeTheWipeShowsNoOldBytes) {
  if (thin()) return;  // the pool zeroes
  b_->new_volume(uuid(2), 16 * MiB);
  b_->write(uuid(2), 's', 0, 16 * MiB);
  ASSERT_EQ(b_->remove(VBS_KIND_VOLUME, uuid(2))->status, VBS_OK);
  b_->new_volume(uuid(1), 8 * MiB);
  lvm({"lvchange", "-q", "--addtag", "vbs.growing=8388608", lv(uuid(1))});
  lvm({"lvextend", "-q", "-L", "16m", lv(uuid(1))});
  EXPECT_EQ(b_->read(VBS_KIND_VOLUME, uuid(1), 8 * MiB, MiB), std::string(MiB, '\0'));
  EXPECT_EQ(run({"lvs", "--noheadings", "-o", "lv_tags", lv(uuid(1))}).out.find("growing"), std::string::npos);
}

}  // namespace
}  // namespace vbs::test
