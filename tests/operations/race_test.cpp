// Many clients at the same moment.
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

#include "core/base/ids.hpp"
#include "tests/support/test_core.hpp"

namespace vbs::test {
namespace {
using Names = std::vector<std::string>;

struct Race : testing::Test {
  FakeWorld world;
  TemporaryDirectory dir;
  TestCore core{world, dir.path()};

  // Runs all at once.
  static void together(const std::vector<std::function<void()>>& all) {
    std::latch start(static_cast<std::ptrdiff_t>(all.size()));
    std::vector<std::thread> threads;
    for (const auto& f : all)
      threads.emplace_back([&start, &f] {
        start.arrive_and_wait();
        f();
      });
    for (auto& t : threads) t.join();
  }
  std::vector<std::string> make_vms(int n) {
    std::vector<std::string> out;
    world.change([&](FakeDisk& d) {
      for (int i = 0; i < n; ++i) {
        FakeVm vm;
        vm.uuid = new_uuid();
        vm.name = "many" + std::to_string(i);
        d.vms[vm.uuid] = vm;
        out.push_back(vm.name);
      }
    });
    return out;
  }
};

TEST_F(Race, TwoHundredReadOnlyAttachesOfOneVolumeAllSucceed) {
  const auto v = core.volume();
  const auto vms = make_vms(200);
  const auto root = core.root();
  std::atomic<int> attached{0};
  std::vector<std::function<void()>> all;
  for (int t = 0; t < 10; ++t)
    all.push_back([&, t] {
      std::vector<Admitted> mine;
      for (int i = t; i < 200; i += 10)
        mine.push_back(attach_volume(*core, root, v, {"node1", vms[static_cast<size_t>(i)], "", Mode::ro}));
      for (const auto& a : mine)
        if (core.ended(a).state == state::done) ++attached;
    });
  together(all);
  EXPECT_EQ(attached, 200);
  EXPECT_EQ(world.calls("export_object").size(), 1u) << "one export serves a host";
  EXPECT_EQ(core.differences(world), Names{});
  for (const auto& a : detach_volume(*core, root, v, {.all = true})) EXPECT_EQ(core.ended(a).state, state::done);
  EXPECT_EQ(world.calls("unexport").size(), 1u);
  EXPECT_EQ(core.differences(world), Names{});
}

TEST_F(Race, OfTwoClientsThatAttachForWritingExactlyOneWins) {
  const auto root = core.root();
  for (int i = 0; i < 20; ++i) {
    const auto v = core.volume(kMiB);
    std::atomic<int> won{0}, refused{0};
    const auto attach = [&](const char* vm) {
      try {
        const auto a = attach_volume(*core, root, v, {"node1", vm, "", Mode::rw});
        if (core.ended(a).state == state::done) ++won;
      } catch (const Error& e) {
        EXPECT_EQ(e.code(), Code::conflict) << e.what();
        ++refused;
      }
    };
    together({[&] { attach("vm1"); }, [&] { attach("vm2"); }});
    EXPECT_EQ(won, 1);
    EXPECT_EQ(refused, 1);
    core.ended(detach_volume(*core, root, v, {}).front());
  }
  EXPECT_EQ(core.differences(world), Names{});
}

TEST_F(Race, OfAWriterAndReadersOnlyOneKindWins) {
  const auto root = core.root();
  const auto v = core.volume();
  const auto vms = make_vms(6);
  std::atomic<int> writers{0}, readers{0};
  std::vector<std::function<void()>> all;
  for (size_t i = 0; i < vms.size(); ++i)
    all.push_back([&, i] {
      try {
        const auto mode = i % 2 ? Mode::ro : Mode::rw;
        const auto a = attach_volume(*core, root, v, {"node1", vms[i], "", mode});
        if (core.ended(a).state == state::done) ++(mode == Mode::rw ? writers : readers);
      } catch (const Error& e) {
        EXPECT_EQ(e.code(), Code::conflict) << e.what();
      }
    });
  together(all);
  EXPECT_TRUE((writers == 1 && readers == 0) || (writers == 0 && readers > 0)) << writers << " and " << readers;
  EXPECT_EQ(core.differences(world), Names{});
}

TEST_F(Race, BetweenADeleteAndAnAttachOneIsRefusedAndNothingIsLost) {
  const auto root = core.root();
  int deleted = 0, attached = 0;
  for (int i = 0; i < 20; ++i) {
    const auto v = core.volume(kMiB);
    std::atomic<int> refused{0};
    const auto guarded = [&](const std::function<Admitted()>& f, int& count) {
      try {
        if (core.ended(f()).state == state::done) ++count;
      } catch (const Error& e) {
        EXPECT_TRUE(e.code() == Code::conflict || e.code() == Code::not_found) << e.what();
        ++refused;
      }
    };
    together({[&] { guarded([&] { return delete_volume(*core, root, v); }, deleted); },
              [&] {
                guarded([&] { return attach_volume(*core, root, v, {"node1", "vm1", "", Mode::rw}); }, attached);
              }});
    EXPECT_EQ(refused, 1);
  }
  EXPECT_EQ(deleted + attached, 20);
  EXPECT_EQ(core.differences(world), Names{});
}

TEST_F(Race, ManyOperationsOnAFewVolumesEndConsistent) {
  world.capabilities = 0;  // layers, so that snapshots and clones move their sources
  TemporaryDirectory other;
  TestCore layered(world, other.path());
  const auto root = layered.root();
  std::vector<std::string> volumes;
  for (int i = 0; i < 3; ++i) volumes.push_back(layered.volume(kMiB));
  std::vector<std::function<void()>> all;
  for (unsigned t = 0; t < 6; ++t)
    all.push_back([&, t] {
      std::string clone;
      for (unsigned i = 0; i < 12; ++i) {
        const auto& v = volumes[(t + i) % volumes.size()];
        try {
          NewSnapshot snapshot;
          snapshot.volume_id = v;
          NewVolume volume;
          volume.volume_id = v;
          switch ((t * 7 + i) % 5) {
            case 0:
              layered.ended(create_snapshot(*layered, root, snapshot));
              break;
            case 1:
              layered.ended(
                  attach_volume(*layered, root, v, {"node1", t % 2 ? "vm1" : "vm2", "", i % 2 ? Mode::ro : Mode::rw}));
              break;
            case 2:
              for (const auto& a : detach_volume(*layered, root, v, {.all = true})) layered.ended(a);
              break;
            case 3:
              clone = create_volume(*layered, root, volume).object_id;
              break;
            default:
              if (!clone.empty()) layered.ended(delete_volume(*layered, root, clone));
          }
        } catch (const Error& e) {
          EXPECT_TRUE(e.code() == Code::conflict || e.code() == Code::not_found) << e.what();
        }
      }
    });
  together(all);
  layered.settle();
  EXPECT_EQ(layered.differences(world), Names{});
}
}  // namespace
}  // namespace vbs::test
