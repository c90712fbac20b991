// A forced detach from a host that does not answer.
#include <gmock/gmock.h>

#include "core/service/reconcile.hpp"
#include "tests/support/test_core.hpp"
#include "vbs/plugin/storage.h"

namespace vbs::test {
namespace {
using testing::HasSubstr;
using testing::IsEmpty;

struct Fence : testing::Test {
  FakeWorld world;
  TemporaryDirectory dir;
  std::unique_ptr<TestCore> core;
  std::string v;

  void start(bool can_fence = true) {
    if (can_fence) world.capabilities |= VBS_CAP_FENCE;
    core = std::make_unique<TestCore>(world, test_config(dir.path(), true));
    v = core->volume();
  }
  void lose_the_host() {
    world.fail({.call = "detach", .code = Code::unavailable, .message = "the node is silent", .times = 1000000});
  }
  Admitted force(const std::string& vm = "vm1") {
    return detach_volume(**core, core->alice(), v, {"node1", vm, false, true}).front();
  }
  std::optional<store::ExportRow> export_row() {
    const auto host = (*core)->registry.host_by_name("node1").row.id;
    return (*core)->database.read([&](store::Session& db) { return store::find_export(db, v, host); });
  }
  std::vector<store::AttachmentRow> attachments() {
    return (*core)->database.read([&](store::Session& db) { return store::attachments_of(db, v); });
  }
};

TEST_F(Fence, CutsTheHostOffAtTheTargetAndFreesTheVolume) {
  start();
  core->attach(v);
  lose_the_host();
  EXPECT_EQ(core->ended(force()).state, state::done);
  EXPECT_THAT(attachments(), IsEmpty());
  EXPECT_THAT(world.disk().exports, IsEmpty());
  EXPECT_EQ(export_row()->state, "fenced");  // for what the host still has
}

TEST_F(Fence, IsNotDoneWithoutForce) {
  start();
  core->attach(v);
  lose_the_host();
  const auto o = core->ended(detach_volume(**core, core->alice(), v, {"node1", "vm1", false, false}).front());
  EXPECT_EQ(o.state, state::failed);
  EXPECT_EQ(world.disk().exports.size(), 1u);
  EXPECT_EQ(attachments().front().state, "attached");
}

TEST_F(Fence, IsNotDoneWhereTheBackEndCannot) {
  start(false);
  core->attach(v);
  lose_the_host();
  EXPECT_EQ(core->ended(force()).state, state::failed);
  EXPECT_EQ(world.disk().exports.size(), 1u);
}

TEST_F(Fence, FreesNothingBeforeTheSessionsAreGone) {
  start();
  core->attach(v);
  lose_the_host();
  world.fail({.call = "live_sessions", .code = Code::unavailable, .message = "ask later", .times = 3});
  world.hold("live_sessions");
  const auto o = force();
  world.wait_until_held("live_sessions");
  EXPECT_EQ(attachments().front().state, "detaching");
  world.release("live_sessions");
  EXPECT_EQ(core->ended(o).state, state::done);
  EXPECT_EQ(world.calls("live_sessions").size(), 4u);
}

TEST_F(Fence, TellsTheOtherVmsOfTheHost) {
  start();
  core->attach(v, Mode::ro, "vm1");
  core->attach(v, Mode::ro, "vm2");
  lose_the_host();
  EXPECT_EQ(core->ended(force("vm1")).state, state::done);
  ASSERT_EQ(attachments().size(), 1u);
  EXPECT_EQ(attachments().front().state, "failed");
  EXPECT_THAT(attachments().front().error_message, HasSubstr("cut off from the volume by a forced detach from VM vm1"));
  EXPECT_EQ(core->ended(force("vm2")).state, state::done);
  EXPECT_THAT(attachments(), IsEmpty());
}

TEST_F(Fence, IsTidiedUpWhenTheHostIsBack) {
  start();
  core->attach(v);
  lose_the_host();
  core->ended(force());
  world.clear_faults();
  for (int i = 0; i < 2; ++i) reconcile(**core, core->root(), true);  // the disk first, then the export
  EXPECT_THAT(reconcile(**core, core->root(), false).findings, IsEmpty());
  EXPECT_FALSE(export_row());
  EXPECT_THAT(core->differences(world), IsEmpty());
}

TEST_F(Fence, DoesNotKeepTheVolumeFromBeingDeletedOrAttachedAgain) {
  start();
  core->attach(v);
  lose_the_host();
  core->ended(force());
  world.clear_faults();
  world.change([](FakeDisk& d) { d.plugged.clear(); });  // the host was started anew
  core->attach(v);
  EXPECT_EQ(export_row()->state, "exported");
  lose_the_host();
  core->ended(force());
  EXPECT_EQ(core->ended(delete_volume(**core, core->alice(), v)).state, state::done);
  EXPECT_FALSE(export_row());
}
}  // namespace
}  // namespace vbs::test
