#include <gtest/gtest.h>

#include "core/service/vm_watch.hpp"
#include "tests/support/test_core.hpp"

namespace vbs::test {
namespace {
struct Attachments : testing::Test {
  FakeWorld world;
  TemporaryDirectory dir;
  TestCore core{world, dir.path()};
  const std::string volume = core.volume();

  Error refused(const std::string& vm, Mode mode) {
    return error_of([&] { attach_volume(*core, core.root(), volume, {"node1", vm, "", mode}); });
  }
};

TEST_F(Attachments, AWriterExcludesEverybodyElse) {
  core.attach(volume, Mode::rw, "vm1");
  for (const auto mode : {Mode::rw, Mode::ro}) EXPECT_EQ(refused("vm2", mode).code(), Code::conflict);
}

TEST_F(Attachments, ReadersExcludeAWriter) {
  core.attach(volume, Mode::ro, "vm1");
  EXPECT_EQ(refused("vm2", Mode::rw).code(), Code::conflict);
  core.attach(volume, Mode::ro, "vm2");
}

TEST_F(Attachments, OneVmHasAVolumeOnce) {
  core.attach(volume, Mode::ro, "vm1");
  EXPECT_EQ(refused("vm1", Mode::ro).code(), Code::conflict);
}

TEST_F(Attachments, OfAFailedAttachNothingIsLeftSoItCanBeTriedAgain) {
  world.fail({.call = "attach", .code = Code::conflict});
  const auto a = attach_volume(*core, core.alice(), volume, {"node1", "vm1", "", Mode::rw});
  EXPECT_EQ(core.ended(a).state, state::failed);
  core.attach(volume);
  EXPECT_EQ(core.differences(world), std::vector<std::string>{});
}

TEST_F(Attachments, DetachNeedsHostAndVmWhereThereAreSeveral) {
  core.attach(volume, Mode::ro, "vm1");
  core.attach(volume, Mode::ro, "vm2");
  const auto e = error_of([&] { detach_volume(*core, core.alice(), volume, {}); });
  EXPECT_EQ(e.code(), Code::conflict);
  EXPECT_NE(std::string(e.what()).find("2 attachments"), std::string::npos) << e.what();
  EXPECT_EQ(detach_volume(*core, core.alice(), volume, {"node1", "vm2"}).size(), 1u);
  core.settle();
  EXPECT_EQ(detach_volume(*core, core.alice(), volume, {.all = true}).size(), 1u);
  core.settle();
  EXPECT_EQ(error_of([&] { detach_volume(*core, core.alice(), volume, {}); }).code(), Code::conflict);
}

TEST_F(Attachments, ASecondDetachWhileOneRunsIsAConflict) {
  core.attach(volume);
  world.hold("detach");
  const auto first = detach_volume(*core, core.alice(), volume, {}).front();
  const auto e = error_of([&] { detach_volume(*core, core.alice(), volume, {}); });
  EXPECT_EQ(e.code(), Code::conflict);
  EXPECT_NE(std::string(e.what()).find("detaching"), std::string::npos) << e.what();
  world.release("detach");
  EXPECT_EQ(core.ended(first).state, state::done);
}

TEST_F(Attachments, AreListedByVolumeHostAndVm) {
  core.attach(volume, Mode::ro, "vm1");
  const auto other = core.volume();
  core.attach(other, Mode::ro, "vm1");
  core.attach(other, Mode::ro, "vm2");
  const auto count = [&](const std::string& v, const std::string& host, const std::string& vm) {
    return list_attachments(*core, core.root(), v, host, vm, true).size();
  };
  EXPECT_EQ(count("", "", ""), 3u);
  EXPECT_EQ(count(other, "", ""), 2u);
  EXPECT_EQ(count("", "node1", "vm1"), 2u);
  EXPECT_EQ(count(other, "node1", "vm2"), 1u);
  EXPECT_EQ(error_of([&] { count("", "nowhere", ""); }).code(), Code::not_found);
}

TEST_F(Attachments, OnAnUnknownHostAreRefusedWithItsName) {
  const auto e = error_of([&] { attach_volume(*core, core.alice(), volume, {"nowhere", "vm1", "", Mode::rw}); });
  EXPECT_EQ(e.code(), Code::not_found);
  EXPECT_EQ(e.field(), "host");
}

TEST_F(Attachments, OfAVmThatIsGoneEverywhereEndByThemselves) {
  core.attach(volume);
  world.change([](FakeDisk& d) {
    d.vms.erase(d.vms.begin());  // vm1
    d.plugged.clear();
  });
  free_gone_vms(*core);
  core.settle();
  EXPECT_TRUE(show_volume(*core, core.alice(), volume).attachments.empty());
  EXPECT_EQ(core.differences(world), std::vector<std::string>{});
}

TEST_F(Attachments, OfAVmStayWhileAHostDoesNotAnswer) {
  core.attach(volume);
  world.change([](FakeDisk& d) { d.vms.erase(d.vms.begin()); });
  world.set_down(true);
  free_gone_vms(*core);
  world.set_down(false);
  EXPECT_EQ(show_volume(*core, core.alice(), volume).attachments.size(), 1u);
}

TEST_F(Attachments, OfAVmThatAnotherHostHasByNowStay) {
  auto config = test_config(dir.path());
  TemporaryDirectory other;
  config.data_dir = other.path();
  config.hosts.push_back(config.hosts.front());
  config.hosts.back().name = config.hosts.back().hypervisor = "node2";
  TestCore two(world, config);
  const auto v = two.volume();
  two.attach(v);
  world.change([](FakeDisk& d) { d.vms.begin()->second.host = "node2"; });
  free_gone_vms(*two);
  two.settle();
  EXPECT_EQ(show_volume(*two, two.alice(), v).attachments.size(), 1u);
}
}  // namespace
}  // namespace vbs::test
