// Flatten: by hand and in the background, of a volume that nobody uses and under a VM.
#include <gtest/gtest.h>

#include "core/service/chain_watch.hpp"
#include "tests/support/test_core.hpp"
#include "vbs/plugin/storage.h"

namespace vbs::test {
namespace {
using Names = std::vector<std::string>;

struct LayeredWorld : FakeWorld {
  LayeredWorld() { capabilities = VBS_CAP_FAST_CLONE | VBS_CAP_EXTEND_IN_USE; }
};

struct Flatten : testing::Test {
  LayeredWorld world;
  TemporaryDirectory dir;
  TestCore core{world,
                [this] {
                  auto c = test_config(dir.path());
                  c.flatten_above = 2;
                  return c;
                }(),
                quick()};

  std::string volume_on(int layers) {
    const auto v = core.volume();
    for (int i = 0; i < layers; ++i) core.snapshot(v);
    return v;
  }
  long long layers_under(const std::string& volume) {
    return core->database.read([&](store::Session& db) {
      const auto v = *store::find_volume(db, volume);
      return store::layers_under(db, v.backend_id, v.layer);
    });
  }
  std::vector<store::OperationRow> flattens(const std::string& volume) {
    auto all = core->database.read([&](store::Session& db) {
      return store::list_operations(db, {"", "", volume, 100});
    });
    std::erase_if(all, [](const auto& o) { return o.kind != "flatten-volume"; });
    return all;
  }
  Error refused(const std::string& volume) {
    return error_of([&] { flatten_volume(*core, core.alice(), volume); });
  }
};

TEST_F(Flatten, EndsTheChainAndFreesWhatNobodyElseNeeds) {
  const auto v = volume_on(1);
  const auto only = core->database.read([](store::Session& db) { return store::list_snapshots(db, {}); }).front();
  EXPECT_EQ(core.ended(delete_snapshot(*core, core.alice(), only.id)).state, state::done);
  EXPECT_EQ(world.disk().files.size(), 2u) << "the hidden layer, and the volume's file on it";
  EXPECT_EQ(core.ended(flatten_volume(*core, core.alice(), v)).state, state::done);
  EXPECT_EQ(layers_under(v), 0);
  EXPECT_EQ(world.disk().files.size(), 1u);
  EXPECT_EQ(core.differences(world), Names{});
}

TEST_F(Flatten, UnderAVmKeepsTheFileThatItHas) {
  const auto v = volume_on(2);
  core.attach(v);
  const auto before = core.row(v).layer;
  EXPECT_EQ(core.ended(flatten_volume(*core, core.alice(), v)).state, state::done);
  EXPECT_EQ(core.row(v).layer, before);
  EXPECT_EQ(layers_under(v), 0);
  EXPECT_EQ(world.calls("stream").size(), 1u);
  EXPECT_EQ(core.differences(world), Names{});
}

TEST_F(Flatten, OfAVolumeOnNoLayersOrUnderReadersIsAConflict) {
  EXPECT_EQ(refused(core.volume()).code(), Code::conflict);
  const auto v = volume_on(1);
  core.attach(v, Mode::ro, "vm1");
  const auto e = refused(v);
  EXPECT_EQ(e.code(), Code::conflict);
  EXPECT_NE(std::string(e.what()).find("read-only"), std::string::npos) << e.what();
}

TEST_F(Flatten, CancelledDuringTheStreamStopsItAndTheVolumeKeepsItsChain) {
  const auto v = volume_on(2);
  core.attach(v);
  world.hold("stream");
  const auto a = flatten_volume(*core, core.alice(), v);
  world.wait_until_held("stream");
  core->engine.cancel(a.operation_id);
  const auto o = core.ended(a);
  EXPECT_EQ(o.error_code, "cancelled");
  EXPECT_EQ(world.calls("stream_stop").size(), 1u);
  EXPECT_EQ(layers_under(v), 2);
  EXPECT_EQ(core.differences(world), Names{});
}

TEST_F(Flatten, StartsByItselfAboveTheLimitTheLongestChainFirst) {
  const auto fits = volume_on(2), longer = volume_on(3), longest = volume_on(4);
  flatten_long_chains(*core);
  core.settle();
  EXPECT_EQ(layers_under(longest), 0);
  EXPECT_EQ(layers_under(longer), 3) << "one at a time";
  flatten_long_chains(*core);
  core.settle();
  EXPECT_EQ(layers_under(longer), 0);
  flatten_long_chains(*core);
  core.settle();
  EXPECT_EQ(layers_under(fits), 2);
  EXPECT_EQ(core.differences(world), Names{});
}

TEST_F(Flatten, ThatFailedIsNotStartedAgainByItselfAtOnce) {
  const auto v = volume_on(3);
  world.fail({.call = "flatten", .code = Code::no_space});
  for (int i = 0; i < 3; ++i) {
    flatten_long_chains(*core);
    core.settle();
  }
  ASSERT_EQ(flattens(v).size(), 1u);
  EXPECT_EQ(flattens(v).front().error_code, "no_space");
  EXPECT_EQ(layers_under(v), 3);
}

TEST_F(Flatten, InTheBackgroundGivesWayToWhoeverWantsTheVolume) {
  const auto v = volume_on(3);
  world.hold("flatten");
  flatten_long_chains(*core);
  world.wait_until_held("flatten");
  core.attach(v);  // expects to be done
  core.settle();
  ASSERT_EQ(flattens(v).size(), 1u);
  EXPECT_EQ(flattens(v).front().error_code, "cancelled");
  EXPECT_EQ(core.differences(world), Names{});
}

TEST_F(Flatten, ByHandDoesNotGiveWay) {
  const auto v = volume_on(1);
  world.hold("flatten");
  const auto a = flatten_volume(*core, core.alice(), v);
  world.wait_until_held("flatten");
  NewSnapshot wanted;
  wanted.volume_id = v;
  const auto waits = create_snapshot(*core, core.alice(), wanted);
  EXPECT_EQ(core.operation(waits.operation_id)->state, state::queued);
  world.release("flatten");
  EXPECT_EQ(core.ended(a).state, state::done);
  EXPECT_EQ(core.ended(waits).state, state::done);
  EXPECT_EQ(layers_under(v), 1);
  EXPECT_EQ(core.differences(world), Names{});
}

TEST_F(Flatten, IsExplained) {
  const auto v = volume_on(2);
  const auto e = explain(*core, core.alice(), v);
  EXPECT_NE(std::find(e.lines.begin(), e.lines.end(), "it rests on 2 layers; above 2 it is flattened by itself"),
            e.lines.end());
}
}  // namespace
}  // namespace vbs::test
