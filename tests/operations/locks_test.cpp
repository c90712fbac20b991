// Operations that want the same objects.
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/test_core.hpp"

namespace vbs::test {
namespace {
struct Locks : testing::Test {
  FakeWorld world;
  TemporaryDirectory dir;
  Admitted snapshot(TestCore& core, const std::string& v) {
    NewSnapshot wanted;
    wanted.volume_id = v;
    return create_snapshot(*core, core.alice(), wanted);
  }
};

TEST_F(Locks, OnOneVolumeOperationsRunOneAfterTheOtherInTheirOrder) {
  TestCore core(world, dir.path());
  const auto v = core.volume();
  std::vector<Admitted> all;
  std::vector<std::string> wanted, ran;
  for (int i = 0; i < 8; ++i) {
    all.push_back(snapshot(core, v));
    wanted.push_back(all.back().object_id);
  }
  for (const auto& a : all) EXPECT_EQ(core.ended(a).state, state::done);
  for (const auto& c : world.calls("snapshot_take")) ran.push_back(c.object);
  EXPECT_EQ(ran, wanted);
  EXPECT_EQ(world.most_parallel("snapshot_take"), 1u);
}

TEST_F(Locks, OnDifferentVolumesOperationsRunAtTheSameTime) {
  TestCore core(world, dir.path());
  const auto a = core.volume(), b = core.volume();
  world.hold("snapshot_take");
  const auto first = snapshot(core, a), second = snapshot(core, b);
  world.wait_until_held("snapshot_take", 2);
  world.release("snapshot_take");
  EXPECT_EQ(core.ended(first).state, state::done);
  EXPECT_EQ(core.ended(second).state, state::done);
}

TEST_F(Locks, AWaitThatIsTooLongEndsAsAConflictThatNamesWhoIsInTheWay) {
  auto options = quick();
  options.lock_wait = std::chrono::milliseconds(1000);
  TestCore core(world, dir.path(), options);
  const auto v = core.volume();
  world.hold("snapshot_take");
  const auto first = snapshot(core, v), second = snapshot(core, v);
  const auto o = core.ended(second);
  EXPECT_EQ(o.state, state::failed);
  EXPECT_EQ(o.error_code, "conflict");
  EXPECT_NE(o.error_message.find("waited 1 s for create-snapshot (" + first.operation_id + ")"), std::string::npos)
      << o.error_message;
  world.release("snapshot_take");
  EXPECT_EQ(core.ended(first).state, state::done);
  EXPECT_EQ(core.ended(snapshot(core, v)).state, state::done) << "the one that gave up is out of the queue";
}

TEST_F(Locks, AGrantAtTheVeryEndOfTheWaitEitherRunsTheOperationOrEndsItNeverBoth) {
  auto options = quick();
  options.lock_wait = std::chrono::milliseconds(15);
  TestCore core(world, dir.path(), options);
  const auto v = core.volume();
  for (int i = 0; i < 40; ++i) {
    world.hold("snapshot_take");
    const auto first = snapshot(core, v), second = snapshot(core, v);
    world.wait_until_held("snapshot_take");
    std::this_thread::sleep_for(std::chrono::microseconds(500 * i));
    world.release("snapshot_take");
    EXPECT_EQ(core.ended(first).state, state::done);
    const auto o = core.ended(second);
    const auto taken =
        core->database.read([&](store::Session& db) { return store::find_snapshot(db, second.object_id); });
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->lifecycle, o.state == state::done ? "available" : "failed");
    core.settle();
  }
  EXPECT_EQ(core.differences(world), std::vector<std::string>{});
}

TEST_F(Locks, AnOperationWhoseObjectWasDeletedWhileItWaitedFails) {
  TestCore core(world, dir.path());
  const auto v = core.volume();
  world.hold("snapshot_take");
  const auto first = snapshot(core, v), second = snapshot(core, v);
  const auto gone = delete_volume(*core, core.alice(), v);
  world.release("snapshot_take");
  EXPECT_EQ(core.ended(first).state, state::done);
  const auto o = core.ended(second);
  EXPECT_EQ(o.state, state::failed);
  EXPECT_NE(o.error_message.find("deleting"), std::string::npos) << o.error_message;
  EXPECT_EQ(core.ended(gone).state, state::done);
  EXPECT_EQ(core.differences(world), std::vector<std::string>{});
}

TEST_F(Locks, ADeleteThatGaveUpWaitingLeavesTheVolumeAsItWas) {
  auto options = quick();
  options.lock_wait = std::chrono::milliseconds(30);
  TestCore core(world, dir.path(), options);
  const auto v = core.volume();
  world.hold("snapshot_take");
  const auto first = snapshot(core, v);
  EXPECT_EQ(core.ended(delete_volume(*core, core.alice(), v)).error_code, "conflict");
  EXPECT_EQ(core.row(v).lifecycle, "available");
  world.release("snapshot_take");
  EXPECT_EQ(core.ended(first).state, state::done);
}

TEST_F(Locks, AnAttachThatOnlyWaitsDoesNotMakeTheVolumeLookUsed) {
  world.capabilities = 0;  // no reflink: under a writer the hypervisor has to switch
  TestCore core(world, dir.path());
  const auto v = core.volume();
  world.hold("snapshot_prepare");
  const auto first = snapshot(core, v), second = snapshot(core, v);
  const auto attach = attach_volume(*core, core.alice(), v, {"node1", "vm1", "", Mode::rw});
  world.release("snapshot_prepare");
  EXPECT_EQ(core.ended(first).state, state::done);
  EXPECT_EQ(core.ended(second).state, state::done);
  EXPECT_EQ(core.ended(attach).state, state::done);
  EXPECT_TRUE(world.calls("switch_image").empty());
  EXPECT_EQ(core.ended(snapshot(core, v)).state, state::done);
  EXPECT_EQ(world.calls("switch_image").size(), 1u) << "now it is in use";
  EXPECT_EQ(core.differences(world), std::vector<std::string>{});
}

TEST_F(Locks, OfOneVmTwoAttachesRunOneAfterTheOther) {
  TestCore core(world, dir.path());
  const auto a = core.volume(), b = core.volume();
  const auto first = attach_volume(*core, core.alice(), a, {"node1", "vm1", "", Mode::rw});
  const auto second = attach_volume(*core, core.alice(), b, {"node1", "vm1", "", Mode::rw});
  EXPECT_EQ(core.ended(first).state, state::done);
  EXPECT_EQ(core.ended(second).state, state::done);
  EXPECT_EQ(world.most_parallel("attach"), 1u);
}
}  // namespace
}  // namespace vbs::test
