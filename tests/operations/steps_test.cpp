// In which order the engine runs, commits and undoes steps.
#include <gtest/gtest.h>

#include <utility>

#include "tests/support/test_core.hpp"

namespace vbs::test {
namespace {
using Names = std::vector<std::string>;

struct Steps : testing::Test {
  FakeWorld world;
  TemporaryDirectory dir;
  TestCore core{world, dir.path()};

  Names names(size_t from) {
    Names out;
    const auto calls = world.calls();
    for (size_t i = from; i < calls.size(); ++i) out.push_back(calls[i].name);
    return out;
  }
  size_t now() { return world.calls().size(); }
  void expect_no_differences() { EXPECT_EQ(core.differences(world), Names{}); }
};

TEST_F(Steps, RunInTheirOrderAndEachIsCommittedBeforeTheNext) {
  const auto v = core.volume();
  std::string export_when_plugged;
  world.watch([&](const std::string& point) {
    if (point == "hypervisor.attach.before")
      export_when_plugged = core->database.read([&](store::Session& db) {
        return store::find_export(db, v, core->registry.host_by_name("node1").row.id)->state;
      });
  });
  const auto from = now();
  core.attach(v);
  world.watch(nullptr);
  EXPECT_EQ(names(from), (Names{"export_object", "attach"}));
  EXPECT_EQ(export_when_plugged, "exported");
  expect_no_differences();
}

TEST_F(Steps, OfAFailedOperationAreUndoneInReverse) {
  const auto v = core.volume();
  world.fail({.call = "attach", .code = Code::conflict, .message = "the VM has no free slot"});
  const auto from = now();
  const auto o = core.ended(attach_volume(*core, core.alice(), v, {"node1", "vm1", "", Mode::rw}));
  EXPECT_EQ(o.state, state::failed);
  EXPECT_EQ(o.error_code, "conflict");
  EXPECT_EQ(o.error_message, "the VM has no free slot");
  EXPECT_EQ(names(from), (Names{"export_object", "attach", "detach", "unexport"}));
  expect_no_differences();
  EXPECT_EQ(core->database.read([&](store::Session& db) { return store::attachments_of(db, v).size(); }), 0u);
}

TEST_F(Steps, AWrittenVolumeIsNotSnapshottedWhereTheBackEndNeitherPreparesAFileNorRefuses) {
  TemporaryDirectory of_liar;
  const auto reflink = std::exchange(
      world.capabilities, 0);  // as a plugin that breaks the ABI: it says that it has no reflinks, and then acts as if
  TestCore liar(world, of_liar.path());
  const auto v = liar.volume();
  liar.attach(v);
  NewSnapshot wanted;
  wanted.volume_id = v;
  world.capabilities = reflink;
  const auto from = now();
  const auto o = liar.ended(create_snapshot(*liar, liar.alice(), wanted));
  EXPECT_EQ(o.state, state::failed);
  EXPECT_EQ(o.error_code, "internal");
  EXPECT_NE(o.error_message.find("neither prepared a new file"), std::string::npos) << o.error_message;
  EXPECT_EQ(names(from), (Names{"snapshot_prepare", "snapshot_finish"}));
  EXPECT_EQ(liar.row(v).lifecycle, "available");
}

TEST_F(Steps, AnExportWhoseRemovalFailedIsMadeAgainForTheNextAttach) {
  const auto v = core.volume();
  core.attach(v, Mode::ro);
  // The plugin has done it, and says that it has failed: what the record says of the export is not to be relied on.
  world.fail({.call = "unexport", .code = Code::internal, .message = "the target broke off", .done_first = true});
  EXPECT_EQ(core.ended(detach_volume(*core, core.alice(), v, {}).front()).state, state::failed);
  const auto from = now();
  EXPECT_EQ(core.ended(attach_volume(*core, core.root(), v, {"node1", "vm2", "", Mode::ro})).state, state::done);
  EXPECT_EQ(names(from), (Names{"export_object", "attach"}));
}

TEST_F(Steps, AFirstStepThatFailsIsUndoneItself) {
  world.fail({.call = "create", .code = Code::no_space, .message = "full", .done_first = true});
  NewVolume wanted;
  wanted.size_bytes = kMiB;
  const auto admitted = create_volume(*core, core.alice(), wanted);
  const auto o = core.ended(admitted);
  EXPECT_EQ(o.error_code, "no_space");
  const auto row = core.row(admitted.object_id);
  EXPECT_EQ(row.lifecycle, "failed");
  EXPECT_EQ(row.error_message, "full");
  EXPECT_TRUE(world.disk().files.empty());
  expect_no_differences();
}

TEST_F(Steps, AnUndoThatFailsIsTriedUntilItWorks) {
  const auto v = core.volume();
  world.fail({.call = "attach", .code = Code::conflict});
  world.fail({.call = "detach", .code = Code::internal, .times = 3});
  world.fail({.call = "unexport", .code = Code::unavailable, .times = 2});
  const auto o = core.ended(attach_volume(*core, core.alice(), v, {"node1", "vm1", "", Mode::rw}));
  EXPECT_EQ(o.state, state::failed);
  EXPECT_EQ(o.error_code, "conflict") << "the first reason counts, not the trouble of the undo";
  EXPECT_EQ(world.calls("detach").size(), 4u);
  EXPECT_EQ(world.calls("unexport").size(), 3u);
  expect_no_differences();
}

TEST_F(Steps, AForwardOnlyStepThatFailsIsNeverUndone) {
  const auto v = core.volume();
  world.fail({.call = "snapshot_finish", .code = Code::internal, .message = "cannot tidy"});
  NewSnapshot wanted;
  wanted.volume_id = v;
  const auto from = now();
  const auto o = core.ended(create_snapshot(*core, core.alice(), wanted));
  EXPECT_EQ(o.state, state::failed);
  EXPECT_EQ(names(from), (Names{"snapshot_prepare", "snapshot_take", "snapshot_finish"})) << "no finish(abort)";
  EXPECT_EQ(core.row(v).operation_id, "");
}

TEST_F(Steps, ADeleteThatFailsKeepsTheRecordWithTheReasonAndCanBeRepeated) {
  const auto v = core.volume();
  world.fail({.call = "remove", .code = Code::internal, .message = "I/O error"});
  const auto o = core.ended(delete_volume(*core, core.alice(), v));
  EXPECT_EQ(o.state, state::failed);
  EXPECT_EQ(core.row(v).lifecycle, "failed");
  EXPECT_EQ(core.row(v).error_message, "delete: I/O error");
  EXPECT_EQ(core.ended(delete_volume(*core, core.alice(), v)).state, state::done);
  expect_no_differences();
}

TEST_F(Steps, ADetachThatFailsLeavesTheVolumeAttachedWithTheReason) {
  const auto v = core.volume();
  const auto attachment = core.attach(v);
  world.fail({.call = "detach", .code = Code::conflict, .message = "the guest keeps it"});
  const auto o = core.ended(detach_volume(*core, core.alice(), v, {}).front());
  EXPECT_EQ(o.state, state::failed);
  const auto a = show_attachment_or_none(*core, attachment).value();
  EXPECT_EQ(a.state, "attached");
  EXPECT_EQ(a.error_message, "detach: the guest keeps it");
  EXPECT_EQ(world.disk().exports.size(), 1u);
  expect_no_differences();
  EXPECT_EQ(core.ended(detach_volume(*core, core.alice(), v, {}).front()).state, state::done);
  expect_no_differences();
}

TEST_F(Steps, ADetachThatFailsAfterTheUnplugIsNotShownAsAttachedEvenAfterAnotherFailure) {
  const auto v = core.volume();
  const auto attachment = core.attach(v);
  world.fail({.call = "unexport", .code = Code::internal, .message = "target is stuck"});
  core.ended(detach_volume(*core, core.alice(), v, {}).front());
  EXPECT_EQ(show_attachment_or_none(*core, attachment)->state, "failed");
  world.fail({.call = "detach", .code = Code::internal});
  core.ended(detach_volume(*core, core.alice(), v, {}).front());
  EXPECT_EQ(show_attachment_or_none(*core, attachment)->state, "failed");
  EXPECT_EQ(core.ended(detach_volume(*core, core.alice(), v, {}).front()).state, state::done);
  expect_no_differences();
}

TEST_F(Steps, TheExportIsMadeByTheFirstAttachmentOnAHostAndRemovedByTheLast) {
  const auto v = core.volume();
  core.attach(v, Mode::ro, "vm1");
  core.attach(v, Mode::ro, "vm2");
  EXPECT_EQ(world.calls("export_object").size(), 1u);
  core.ended(detach_volume(*core, core.root(), v, {"node1", "vm1"}).front());
  EXPECT_EQ(world.calls("unexport").size(), 0u);
  core.ended(detach_volume(*core, core.root(), v, {"node1", "vm2"}).front());
  EXPECT_EQ(world.calls("unexport").size(), 1u);
  expect_no_differences();
}

TEST_F(Steps, OfAnExtendTellEveryVmThatWrites) {
  const auto v = core.volume();
  core.attach(v);
  const auto o = core.ended(extend_volume(*core, core.alice(), v, 16 * kMiB));
  EXPECT_EQ(o.state, state::done);
  ASSERT_EQ(world.calls("resize").size(), 1u);
  EXPECT_EQ(world.disk().plugged.begin()->second.size_bytes, 16 * kMiB);
  expect_no_differences();
}

TEST_F(Steps, WhatAPluginSaysThatTheStoreCannotTakeInEndsTheOperationAndIsUndone) {
  const auto v = core.volume();
  world.strange_object = "99999999-9999-4999-8999-999999999999";
  NewSnapshot wanted;
  wanted.volume_id = v;
  const auto admitted = create_snapshot(*core, core.alice(), wanted);
  const auto o = core.ended(admitted);
  EXPECT_EQ(o.state, state::failed);
  EXPECT_NE(o.error_message.find("which the store does not have"), std::string::npos) << o.error_message;
  expect_no_differences();
}

TEST_F(Steps, LeaveOneAuditEventThatSaysHowItEnded) {
  const auto v = core.volume();
  std::vector<std::string> outcomes;
  core->database.read([&](store::Session& db) {
    db.each<std::string>(
        "SELECT outcome FROM events WHERE object_id = ? ORDER BY seq",
        [&](const std::string& o) { outcomes.push_back(o); }, v);
  });
  EXPECT_EQ(outcomes, (Names{"done"}));
}
}  // namespace
}  // namespace vbs::test
