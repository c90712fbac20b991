#include <gtest/gtest.h>

#include <thread>

#include "tests/support/test_core.hpp"

namespace vbs::test {
namespace {
using Names = std::vector<std::string>;

struct Cancel : testing::Test {
  FakeWorld world;
  TemporaryDirectory dir;
  EngineOptions options = [] {
    auto o = quick();
    o.patience = std::chrono::hours(1);
    return o;
  }();
  TestCore core{world, dir.path(), options};

  Admitted create() {
    NewVolume w;
    w.size_bytes = kMiB;
    return create_volume(*core, core.alice(), w);
  }
  void expect_cancelled(const Admitted& a) {
    const auto o = core.ended(a);
    EXPECT_EQ(o.state, state::failed);
    EXPECT_EQ(o.error_code, "cancelled");
    EXPECT_EQ(core.differences(world), Names{});
  }
  Error refused(const Admitted& a) {
    return error_of([&] { core->engine.cancel(a.operation_id); });
  }
};

TEST_F(Cancel, EndsAnOperationThatWaitsForLocksAtOnce) {
  const auto v = core.volume();
  world.hold("snapshot_take");
  NewSnapshot wanted;
  wanted.volume_id = v;
  const auto first = create_snapshot(*core, core.alice(), wanted),
             second = create_snapshot(*core, core.alice(), wanted);
  world.wait_until_held("snapshot_take");
  core->engine.cancel(second.operation_id);
  const auto o = core.ended(second);
  EXPECT_EQ(o.error_code, "cancelled");
  EXPECT_EQ(o.step_name, "") << "it never began";
  world.release("snapshot_take");
  EXPECT_EQ(core.ended(first).state, state::done);
  EXPECT_EQ(core.differences(world), Names{});
}

TEST_F(Cancel, ReachesThePluginOfARunningStepAndUndoesIt) {
  world.hold("create");
  const auto a = create();
  world.wait_until_held("create");
  core->engine.cancel(a.operation_id);
  expect_cancelled(a);
  EXPECT_EQ(world.calls("remove").size(), 1u);
}

TEST_F(Cancel, BetweenTwoStepsUndoesTheFirst) {
  const auto v = core.volume();
  world.watch([&](const std::string& point) {
    if (point != "storage.export_object.after") return;
    for (const auto& o : core->database.read([](store::Session& db) { return store::live_operations(db); }))
      core->engine.cancel(o.id);
  });
  expect_cancelled(attach_volume(*core, core.alice(), v, {"node1", "vm1", "", Mode::rw}));
  world.watch(nullptr);
  EXPECT_TRUE(world.calls("attach").empty());
  EXPECT_TRUE(world.disk().exports.empty());
}

TEST_F(Cancel, EndsWhatWaitsForABackEndThatIsDown) {
  world.fail({.call = "create", .code = Code::unavailable, .times = 1000000});
  const auto a = create();
  ASSERT_TRUE(core.until_state(a.operation_id, state::waiting));
  core->engine.cancel(a.operation_id);
  expect_cancelled(a);
}

TEST_F(Cancel, DoesNotHurryTheUndoOfABackEndThatStaysDown) {
  auto slow = options;
  slow.first_pause = slow.longest_pause = std::chrono::milliseconds(50);
  TemporaryDirectory other;
  TestCore calm(world, other.path(), slow);
  world.set_down(true);
  NewVolume w;
  w.size_bytes = kMiB;
  const auto a = create_volume(*calm, calm.alice(), w);
  ASSERT_TRUE(calm.until_state(a.operation_id, state::waiting));
  calm->engine.cancel(a.operation_id);
  ASSERT_TRUE(calm.until([&] { return !world.calls("remove").empty(); }));
  const auto before = world.calls("remove").size();
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  EXPECT_LE(world.calls("remove").size() - before, 10u);
  world.set_down(false);
  EXPECT_EQ(calm.ended(a).error_code, "cancelled");
}

TEST_F(Cancel, OfSomethingThatHasEndedIsAConflict) {
  const auto a = create();
  core.ended(a);
  EXPECT_EQ(refused(a).code(), Code::conflict);
}

TEST_F(Cancel, OfADeleteIsRefusedWithTheReason) {
  const auto v = core.volume();
  world.hold("remove");
  const auto a = delete_volume(*core, core.alice(), v);
  const auto e = refused(a);
  EXPECT_EQ(e.code(), Code::conflict);
  EXPECT_NE(std::string(e.what()).find("delete-volume cannot be cancelled"), std::string::npos) << e.what();
  world.release("remove");
  EXPECT_EQ(core.ended(a).state, state::done);
}

TEST_F(Cancel, PastTheLastStepThatCanBeUndoneIsRefused) {
  const auto v = core.volume();
  world.hold("snapshot_finish");
  NewSnapshot wanted;
  wanted.volume_id = v;
  const auto a = create_snapshot(*core, core.alice(), wanted);
  world.wait_until_held("snapshot_finish");
  const auto e = refused(a);
  EXPECT_EQ(e.code(), Code::conflict);
  EXPECT_NE(std::string(e.what()).find("tidy"), std::string::npos) << e.what();
  world.release("snapshot_finish");
  EXPECT_EQ(core.ended(a).state, state::done);
}

TEST_F(Cancel, OfASwitchThatMayHaveHappenedIsRefused) {
  FakeWorld layers;
  layers.capabilities = 0;
  TemporaryDirectory other;
  TestCore layered(layers, other.path(), options);
  const auto v = layered.volume();
  layered.attach(v);
  layers.hold("switch_image");
  NewSnapshot wanted;
  wanted.volume_id = v;
  const auto a = create_snapshot(*layered, layered.alice(), wanted);
  layers.wait_until_held("switch_image");
  const auto e = error_of([&] { layered->engine.cancel(a.operation_id); });
  EXPECT_EQ(e.code(), Code::conflict);
  EXPECT_NE(std::string(e.what()).find("switch-vm1"), std::string::npos) << e.what();
  layers.release("switch_image");
  EXPECT_EQ(layered.ended(a).state, state::done);
  EXPECT_EQ(layered.differences(layers), Names{});
}

TEST_F(Cancel, OfWhatIsBeingUndoneIsRefused) {
  const auto v = core.volume();
  world.fail({.call = "attach", .code = Code::conflict});
  world.hold("detach");
  const auto a = attach_volume(*core, core.alice(), v, {"node1", "vm1", "", Mode::rw});
  world.wait_until_held("detach");
  EXPECT_EQ(refused(a).code(), Code::conflict);
  world.release("detach");
  EXPECT_EQ(core.ended(a).error_code, "conflict");
}

TEST_F(Cancel, OfADetachLeavesItAttached) {
  const auto v = core.volume();
  const auto attachment = core.attach(v);
  world.hold("detach");
  const auto a = detach_volume(*core, core.alice(), v, {}).front();
  world.wait_until_held("detach");
  core->engine.cancel(a.operation_id);
  expect_cancelled(a);
  EXPECT_EQ(show_attachment_or_none(*core, attachment)->state, "attached");
}

TEST_F(Cancel, IsNotForgottenByARestart) {
  world.fail({.call = "create", .code = Code::unavailable, .times = 1000000});
  TemporaryDirectory other;
  Admitted a;
  {
    auto never = options;
    never.first_pause = never.longest_pause = std::chrono::hours(1);
    TestCore first(world, other.path(), never);
    NewVolume w;
    w.size_bytes = kMiB;
    a = create_volume(*first, first.alice(), w);
    ASSERT_TRUE(first.until_state(a.operation_id, state::waiting));
    first->database.writer().transact([&](store::Tx& tx) { store::request_cancel(tx, a.operation_id); });
  }
  TestCore second(world, other.path(), options);
  EXPECT_EQ(second.ended(a).error_code, "cancelled");
}
}  // namespace
}  // namespace vbs::test
