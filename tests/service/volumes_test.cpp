#include <gtest/gtest.h>

#include "core/base/ids.hpp"
#include "tests/support/test_core.hpp"

namespace vbs::test {
namespace {
struct Volumes : testing::Test {
  FakeWorld world;
  TemporaryDirectory dir;
  TestCore core{world, dir.path()};

  Admitted create(std::optional<uint64_t> size, const std::string& snapshot = {}, const std::string& volume = {},
                  const std::string& backend = {}) {
    NewVolume w;
    w.size_bytes = size;
    w.snapshot_id = snapshot;
    w.volume_id = volume;
    w.backend = backend;
    return create_volume(*core, core.alice(), w);
  }
  Error refused(std::optional<uint64_t> size, const std::string& snapshot = {}, const std::string& volume = {},
                const std::string& backend = {}) {
    return error_of([&] { create(size, snapshot, volume, backend); });
  }
};

TEST_F(Volumes, SizesAreWholeMiBWithinTheLimitsAndTheMessageNamesThem) {
  for (const uint64_t bad : {uint64_t{0}, uint64_t{1}, kMiB - 1, kMiB + 512, kMaxVolumeBytes + kMiB, UINT64_MAX}) {
    const auto e = refused(bad);
    EXPECT_EQ(e.code(), Code::invalid) << bad;
    EXPECT_EQ(e.field(), "size_bytes");
    EXPECT_NE(std::string(e.what()).find("64 TiB"), std::string::npos) << e.what();
  }
  EXPECT_EQ(core.ended(create(kMiB)).state, state::done);
  EXPECT_EQ(core.ended(create(kMaxVolumeBytes)).state, state::done);
}

TEST_F(Volumes, WithoutASourceTheSizeMustBeGiven) {
  const auto e = refused(std::nullopt);
  EXPECT_EQ(e.code(), Code::invalid);
  EXPECT_EQ(e.field(), "size_bytes");
}

TEST_F(Volumes, FromASourceAreAsLargeAsItOrLarger) {
  const auto v = core.volume(8 * kMiB);
  const auto s = core.snapshot(v);
  const auto same = create(std::nullopt, s), larger = create(16 * kMiB, "", v);
  core.ended(same);
  core.ended(larger);
  EXPECT_EQ(core.row(same.object_id).size_bytes, static_cast<long long>(8 * kMiB));
  EXPECT_EQ(core.row(same.object_id).snapshot_id, s);
  EXPECT_EQ(core.row(larger.object_id).size_bytes, static_cast<long long>(16 * kMiB));
  EXPECT_EQ(core.row(larger.object_id).source_volume_id, v);
  EXPECT_EQ(refused(4 * kMiB, s).field(), "size_bytes");
  EXPECT_EQ(core.differences(world), std::vector<std::string>{});
}

TEST_F(Volumes, HaveOneSourceAtMost) {
  const auto v = core.volume();
  const auto s = core.snapshot(v);
  EXPECT_EQ(refused(std::nullopt, s, v).code(), Code::invalid);
}

TEST_F(Volumes, TheSourceMustBeAvailable) {
  const auto v = core.volume();
  world.fail({.call = "remove", .code = Code::internal});
  core.ended(delete_volume(*core, core.alice(), v));
  const auto e = refused(std::nullopt, "", v);
  EXPECT_EQ(e.code(), Code::conflict);
  EXPECT_NE(std::string(e.what()).find("is failed"), std::string::npos) << e.what();
  EXPECT_EQ(refused(std::nullopt, new_uuid()).code(), Code::not_found);
}

TEST_F(Volumes, TheBackEndIsTheFirstTheNamedOneOrTheSources) {
  auto config = test_config(TemporaryDirectory().path());
  TemporaryDirectory other;
  config.data_dir = other.path();
  config.backends.push_back(config.backends.front());
  config.backends.back().name = "slow";
  TestCore two(world, config);
  NewVolume w;
  w.size_bytes = kMiB;
  const auto first = create_volume(*two, two.alice(), w);
  w.backend = "slow";
  const auto named = create_volume(*two, two.alice(), w);
  two.settle();
  const auto backend = [&](const Admitted& a) {
    return two->registry.backend(two.row(a.object_id).backend_id).row.name;
  };
  EXPECT_EQ(backend(first), "fast");
  EXPECT_EQ(backend(named), "slow");
  NewVolume clone;
  clone.volume_id = named.object_id;
  const auto cloned = create_volume(*two, two.alice(), clone);
  two.settle();
  EXPECT_EQ(backend(cloned), "slow");
  clone.backend = "fast";
  EXPECT_EQ(error_of([&] { create_volume(*two, two.alice(), clone); }).field(), "backend");
  w.backend = "none";
  EXPECT_EQ(error_of([&] { create_volume(*two, two.alice(), w); }).field(), "backend");
}

TEST_F(Volumes, NeverShrink) {
  const auto v = core.volume(8 * kMiB);
  const auto e = error_of([&] { extend_volume(*core, core.alice(), v, 4 * kMiB); });
  EXPECT_EQ(e.code(), Code::invalid);
  EXPECT_EQ(e.field(), "size_bytes");
  EXPECT_EQ(core.ended(extend_volume(*core, core.alice(), v, 8 * kMiB)).state, state::done)
      << "the same size is no change";
}

TEST_F(Volumes, WithAttachmentsCannotBeDeletedAndTheMessageNamesTheVm) {
  const auto v = core.volume();
  core.ended(attach_volume(*core, core.alice(), v, {"node1", "vm1", "", Mode::rw}));
  const auto e = error_of([&] { delete_volume(*core, core.alice(), v); });
  EXPECT_EQ(e.code(), Code::conflict);
  EXPECT_NE(std::string(e.what()).find("vm1 on node1 (rw)"), std::string::npos) << e.what();
}

TEST_F(Volumes, OfASnapshotThatStaysCanBeDeleted) {
  world.capabilities = 0;
  TemporaryDirectory other;
  TestCore layered(world, other.path());
  const auto v = layered.volume();
  const auto s = layered.snapshot(v);
  EXPECT_EQ(layered.ended(delete_volume(*layered, layered.alice(), v)).state, state::done);
  EXPECT_EQ(layered.differences(world), std::vector<std::string>{});
  NewVolume w;
  w.snapshot_id = s;
  const auto again = create_volume(*layered, layered.alice(), w);
  EXPECT_EQ(layered.ended(again).state, state::done);
  layered.ended(delete_snapshot(*layered, layered.alice(), s));
  layered.ended(delete_volume(*layered, layered.alice(), again.object_id));
  EXPECT_TRUE(world.disk().files.empty()) << "the last one took the layers along";
}

TEST_F(Volumes, ChangeTheirNamesWhileAnOperationRuns) {
  const auto v = core.volume(kMiB);
  world.hold("extend");
  const auto a = extend_volume(*core, core.alice(), v, 4 * kMiB);
  world.wait_until_held("extend");
  update_volume(*core, core.alice(), v, {"renamed", "why", {}});
  world.release("extend");
  core.ended(a);
  EXPECT_EQ(core.row(v).name, "renamed");
  EXPECT_EQ(core.row(v).size_bytes, static_cast<long long>(4 * kMiB)) << "neither change undid the other";
}

TEST_F(Volumes, ARequestForABackEndThatIsAwayIsRefusedAtOnce) {
  auto config = test_config(dir.path());
  TemporaryDirectory other;
  config.data_dir = other.path();
  {
    TestCore once(world, config);
    once.volume();
  }
  config.backends.front().name = "renamed";
  TestCore later(world, config);
  NewVolume w;
  w.size_bytes = kMiB;
  w.backend = "fast";
  EXPECT_EQ(error_of([&] { create_volume(*later, later.alice(), w); }).code(), Code::unavailable);
}
}  // namespace
}  // namespace vbs::test
