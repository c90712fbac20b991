// A core made anew on the same store, while the fakes keep what they have. The moments at which it can be cut off are
// in crash_matrix_test.cpp; here is what must survive besides.
#include <gtest/gtest.h>

#include "tests/support/power_cut.hpp"
#include "tests/support/test_core.hpp"

namespace vbs::test {
namespace {
using Names = std::vector<std::string>;

struct Restart : testing::Test {
  FakeWorld world;
  TemporaryDirectory dir;
  static Admitted snapshot(TestCore& core, const std::string& v) {
    NewSnapshot wanted;
    wanted.volume_id = v;
    return create_snapshot(*core, core.alice(), wanted);
  }
  static EngineOptions still() {
    auto o = quick();
    o.patience = o.first_pause = o.longest_pause = std::chrono::hours(1);
    return o;
  }
};

TEST_F(Restart, GoesOnWithWhatWaitedAndWithAHigherAttempt) {
  Admitted a;
  {
    TestCore core(world, dir.path(), still());
    world.fail({.call = "create", .code = Code::unknown_outcome, .done_first = true});
    NewVolume w;
    w.size_bytes = kMiB;
    a = create_volume(*core, core.alice(), w);
    ASSERT_TRUE(core.until_state(a.operation_id, state::waiting));
  }
  TestCore core(world, dir.path());
  EXPECT_EQ(core.ended(a).state, state::done);
  const auto calls = world.calls("create");
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_GT(calls[1].epoch, calls[0].epoch);
  EXPECT_EQ(core.differences(world), Names{});
}

TEST_F(Restart, KeepsTheOrderOfQueuedOperations) {
  Image cut;
  Names wanted;
  std::vector<Admitted> all;
  {
    TestCore core(world, dir.path());
    const auto v = core.volume();
    world.hold("snapshot_take");
    for (int i = 0; i < 6; ++i) {
      all.push_back(snapshot(core, v));
      wanted.push_back(all.back().object_id);
    }
    world.wait_until_held("snapshot_take");
    cut = image_of("", dir.path(), world);
    world.release("snapshot_take");
    core.settle();
  }
  TestCore core(*cut.world, cut.dir->path());
  for (const auto& a : all) EXPECT_EQ(core.ended(a).state, state::done);
  Names ran;
  for (const auto& c : cut.world->calls("snapshot_take")) ran.push_back(c.object);
  EXPECT_EQ(ran, wanted);
  EXPECT_EQ(core.differences(*cut.world), Names{});
}

TEST_F(Restart, ANewOperationQueuesBehindThoseThatTheLastRunLeft) {
  Image cut;
  Admitted first;
  std::string v;
  {
    TestCore core(world, dir.path());
    v = core.volume();
    world.hold("snapshot_take");
    first = snapshot(core, v);
    world.wait_until_held("snapshot_take");
    cut = image_of("", dir.path(), world);
    world.release("snapshot_take");
    core.settle();
  }
  cut.world->hold("snapshot_take");
  TestCore core(*cut.world, cut.dir->path());
  const auto second = snapshot(core, v);
  cut.world->wait_until_held("snapshot_take");
  EXPECT_EQ(core.operation(second.operation_id)->state, state::queued);
  cut.world->release("snapshot_take");
  EXPECT_EQ(core.ended(first).state, state::done);
  EXPECT_EQ(core.ended(second).state, state::done);
}

TEST_F(Restart, OfAnExtendTellsOnlyTheVmsThatHadTheVolume) {
  Image cut;
  Admitted extend, attach;
  {
    TestCore core(world, dir.path());
    const auto v = core.volume();
    world.hold("extend");
    extend = extend_volume(*core, core.alice(), v, 16 * kMiB);
    world.wait_until_held("extend");
    attach = attach_volume(*core, core.alice(), v, {"node1", "vm1", "", Mode::rw});  // queued, with a row of its own
    cut = image_of("", dir.path(), world);
    world.release("extend");
    core.settle();
  }
  TestCore core(*cut.world, cut.dir->path());
  EXPECT_EQ(core.ended(extend).state, state::done);
  EXPECT_EQ(core.ended(attach).state, state::done);
  EXPECT_TRUE(cut.world->calls("resize").empty());
  EXPECT_EQ(core.differences(*cut.world), Names{});
}

TEST_F(Restart, AStopWhileAPluginDoesNotAnswerUndoesNothing) {
  Admitted a;
  {
    auto options = quick();
    options.patience = std::chrono::hours(1);
    TestCore core(world, dir.path(), options);
    world.fail({.call = "create", .code = Code::unavailable, .times = 1000000});
    NewVolume w;
    w.size_bytes = kMiB;
    a = create_volume(*core, core.alice(), w);
    ASSERT_TRUE(core.until([&] { return world.calls("create").size() > 5; }));
  }
  EXPECT_TRUE(world.calls("remove").empty());
  world.clear_faults();
  TestCore core(world, dir.path());
  EXPECT_EQ(core.ended(a).state, state::done);
}

TEST_F(Restart, CountsItsAttachmentsAndExportsAsBefore) {
  std::string v;
  {
    TestCore core(world, dir.path());
    v = core.volume();
    core.attach(v, Mode::ro, "vm1");
  }
  TestCore core(world, dir.path());
  core.attach(v, Mode::ro, "vm2");
  EXPECT_EQ(world.calls("export_object").size(), 1u);
  for (const auto& a : detach_volume(*core, core.root(), v, {.all = true})) EXPECT_EQ(core.ended(a).state, state::done);
  EXPECT_EQ(world.calls("unexport").size(), 1u);
  EXPECT_EQ(core.differences(world), Names{});
}

TEST_F(Restart, WithoutABackEndOfALiveOperationItWaitsAndSaysWhy) {
  Admitted a;
  {
    TestCore core(world, dir.path(), still());
    world.fail({.call = "create", .code = Code::unavailable});
    NewVolume w;
    w.size_bytes = kMiB;
    a = create_volume(*core, core.alice(), w);
    ASSERT_TRUE(core.until_state(a.operation_id, state::waiting));
  }
  auto config = test_config(dir.path());
  config.backends.front().name = "another";
  {
    TestCore core(world, config, still());
    ASSERT_TRUE(core.until([&] {
      return core.operation(a.operation_id)->waits_for.find("configuration") != std::string::npos;
    })) << core.operation(a.operation_id)->waits_for;
  }
  TestCore core(world, dir.path());
  EXPECT_EQ(core.ended(a).state, state::done);
}

TEST_F(Restart, AHypervisorThatComesLateIsWaitedFor) {
  Admitted a;
  std::string v;
  {
    TestCore core(world, dir.path(), still());
    v = core.volume();
    world.fail({.call = "attach", .code = Code::unavailable});
    a = attach_volume(*core, core.alice(), v, {"node1", "vm1", "", Mode::rw});
    ASSERT_TRUE(core.until_state(a.operation_id, state::waiting));
  }
  auto options = quick();
  options.patience = std::chrono::hours(1);
  world.set_down(true);
  TestCore core(world, dir.path(), options);
  ASSERT_TRUE(core.until_state(a.operation_id, state::waiting));
  world.set_down(false);
  EXPECT_EQ(core.ended(a).state, state::done);
  EXPECT_EQ(core.differences(world), Names{});
}
}  // namespace
}  // namespace vbs::test
