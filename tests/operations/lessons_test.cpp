// What has gone wrong elsewhere, and must not here; docs/lessons.md lists the rules and all tests that show them.
#include <gtest/gtest.h>

#include "tests/support/test_core.hpp"

namespace vbs::test {
namespace {

struct Lessons : testing::Test {
  FakeWorld world;
  TemporaryDirectory dir;
  TestCore core{world, dir.path()};

  std::string detach(const std::string& volume) {
    DetachWanted all;
    all.all = true;
    return detach_volume(*core, core.root(), volume, all).at(0).operation_id;
  }
  bool exported() { return !world.disk().exports.empty(); }
};

// CVE-2023-2088: the control plane had removed an attachment that the host still had; the next tenant's volume appeared
// there under the old device.
TEST_F(Lessons, WhatAVmStillHasIsNeitherUnexportedNorFree) {
  const auto volume = core.volume();
  core.attach(volume);
  world.fail({.call = "detach", .code = Code::conflict});
  EXPECT_EQ(core.ended(detach(volume)).state, state::failed);
  EXPECT_TRUE(world.calls("unexport").empty());
  EXPECT_TRUE(exported());
  EXPECT_EQ(error_of([&] { delete_volume(*core, core.alice(), volume); }).code(), Code::conflict);
  EXPECT_EQ(error_of([&] {
              attach_volume(*core, core.root(), volume, {"node1", "vm2", "", Mode::rw});
            }).code(),
            Code::conflict);
  EXPECT_EQ(core.ended(detach(volume)).state, state::done);
  EXPECT_FALSE(exported());
}

TEST_F(Lessons, ADetachUnplugsBeforeItUnexports) {
  const auto volume = core.volume();
  core.attach(volume);
  const auto before = world.calls().size();
  core.ended(detach(volume));
  const auto calls = world.calls();
  const auto position = [&](const std::string& name) {
    for (size_t i = before; i < calls.size(); ++i)
      if (calls[i].name == name) return i;
    return calls.size();
  };
  EXPECT_LT(position("detach"), position("unexport"));
  EXPECT_LT(position("unexport"), calls.size());
}

// CVE-2020-10755: credentials in connection data that others could list.
TEST_F(Lessons, NeitherConnectionDataNorSecretsOfAnExportAreShownOrLogged) {
  const auto volume = core.volume();
  core.attach(volume);
  const auto marked = "SECRET-" + volume;
  core->database.writer().transact([&](store::Tx& tx) { tx.db.run("UPDATE exports SET secret = ?", marked); });
  const auto seen = show_volume(*core, core.alice(), volume);
  ASSERT_EQ(seen.attachments.size(), 1u);
  const auto& a = seen.attachments[0];
  for (const auto& text : {a.device, a.state, a.error_message, a.mode, a.vm_name})
    EXPECT_EQ(text.find("SECRET"), text.npos);
  std::string told;
  for (const auto& line : explain(*core, core.alice(), volume).lines) told += line + "\n";
  EXPECT_EQ(told.find("SECRET"), std::string::npos);
  world.fail({.call = "detach", .code = Code::conflict});
  EXPECT_EQ(core.ended(detach(volume)).error_message.find("SECRET"), std::string::npos);
}

// A delete that had failed on the back-end dropped the record, and the data was nobody's for ever.
TEST_F(Lessons, ARecordGoesLast) {
  const auto volume = core.volume();
  world.fail({.call = "remove", .code = Code::conflict});
  EXPECT_EQ(core.ended(delete_volume(*core, core.alice(), volume)).state, state::failed);
  EXPECT_EQ(core.row(volume).lifecycle, "failed");
  EXPECT_TRUE(world.disk().objects.count(volume));
  EXPECT_EQ(core.ended(delete_volume(*core, core.alice(), volume)).state, state::done);
  EXPECT_FALSE(world.disk().objects.count(volume));
}
}  // namespace
}  // namespace vbs::test
