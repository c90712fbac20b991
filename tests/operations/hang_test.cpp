// A plugin call that neither returns at its deadline nor hears that it should.
#include <gmock/gmock.h>

#include <future>
#include <thread>

#include "tests/support/test_core.hpp"

namespace vbs::test {
namespace {
using std::chrono::milliseconds;
using testing::HasSubstr;

EngineOptions hasty() {
  auto o = quick();
  o.call_deadline = milliseconds(20);
  o.grace = milliseconds(20);
  o.patience = milliseconds(20000);
  return o;
}

struct Hanging : testing::Test {
  FakeWorld world;
  TemporaryDirectory dir;
  std::unique_ptr<TestCore> core = std::make_unique<TestCore>(world, dir.path(), hasty());
  ~Hanging() override {
    for (const auto* call : {"create", "remove", "attach", "detach", "find_vm"}) world.release(call);
  }
  Admitted create() {
    NewVolume w;
    w.size_bytes = kMiB;
    return create_volume(**core, core->alice(), w);
  }
  Slot<StorageBackend>& backend() { return (*core)->registry.backend_by_name("").slot; }
};

TEST_F(Hanging, IsToldAsUnknownAndTheBackEndAsNotAnswering) {
  world.hang("create");
  const auto o = create();
  ASSERT_TRUE(core->until_state(o.operation_id, state::waiting));
  EXPECT_THAT(core->operation(o.operation_id)->waits_for, HasSubstr("back-end fast does not answer"));
  EXPECT_THAT(backend().trouble(), HasSubstr("1 calls to it have not returned"));
  EXPECT_EQ((*core)->registry.hanging(), 1u);
  world.release("create");
  EXPECT_EQ(core->ended(o).state, state::done);
  EXPECT_EQ(backend().trouble(), "");
  EXPECT_EQ(core->differences(world), std::vector<std::string>{});
}

TEST_F(Hanging, LeavesAllElseGoingOn) {
  const auto v = core->volume();
  world.hang("create");
  std::vector<Admitted> stuck;
  for (int i = 0; i < 4; ++i) stuck.push_back(create());  // as many as the back-end has workers
  core->attach(v);
  const auto s = core->snapshot(v);
  EXPECT_EQ(core->ended(delete_snapshot(**core, core->alice(), s)).state, state::done);
  world.release("create");
  for (const auto& o : stuck) EXPECT_EQ(core->ended(o).state, state::done);
  EXPECT_EQ(core->differences(world), std::vector<std::string>{});
}

TEST_F(Hanging, NeverHasTwoCallsAtOnceForOneOperation) {
  world.hang("create");
  const auto o = create();
  ASSERT_TRUE(core->until([&] { return core->operation(o.operation_id)->attempt > 5; }));
  EXPECT_EQ(world.most_parallel("create"), 1u);
  world.release("create");
  EXPECT_EQ(core->ended(o).state, state::done);
  EXPECT_EQ(world.most_parallel("create"), 1u);
}

TEST_F(Hanging, BeyondAsManyAsItHasWorkersTheBackEndIsLeftAlone) {
  world.hang("create");
  std::vector<Admitted> stuck;
  for (int i = 0; i < 8; ++i) stuck.push_back(create());
  ASSERT_TRUE(core->until([&] { return (*core)->registry.hanging() == 8; }));
  const auto late = create();
  ASSERT_TRUE(core->until_state(late.operation_id, state::waiting));
  EXPECT_THAT(core->operation(late.operation_id)->waits_for, HasSubstr("8 calls to it have not returned"));
  world.release("create");
  for (const auto& o : stuck) EXPECT_EQ(core->ended(o).state, state::done);
  EXPECT_EQ(core->ended(late).state, state::done);
}

TEST_F(Hanging, ACancelledOneIsUndoneWhenTheCallHasComeBack) {
  world.hang("create");
  const auto o = create();
  ASSERT_TRUE(core->until_state(o.operation_id, state::waiting));
  (*core)->engine.cancel(o.operation_id);
  ASSERT_TRUE(core->until([&] { return core->operation(o.operation_id)->undoing != 0; }));
  EXPECT_TRUE(world.calls("remove").empty()) << "the call that hangs may still make what the undo removes";
  world.release("create");
  EXPECT_EQ(core->ended(o).error_code, "cancelled");
  EXPECT_EQ(core->differences(world), std::vector<std::string>{});
}

TEST_F(Hanging, AnOutcomeThatComesTooLateIsAskedForAgain) {
  world.hang("create");
  const auto o = create();
  ASSERT_TRUE(core->until_state(o.operation_id, state::waiting));
  world.release("create");
  ASSERT_EQ(core->ended(o).state, state::done);
  const auto calls = world.calls("create");
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_LT(calls[0].epoch, calls[1].epoch);
}

TEST_F(Hanging, AHypervisorThatHangsKeepsTheVolumeAttachingUntilItIsBack) {
  const auto v = core->volume();
  world.hang("attach");
  const auto o = attach_volume(**core, core->alice(), v, {"node1", "vm1", "", Mode::rw});
  ASSERT_TRUE(core->until_state(o.operation_id, state::waiting));
  EXPECT_THAT(core->operation(o.operation_id)->waits_for, HasSubstr("host node1 does not answer"));
  EXPECT_EQ(error_of([&] { delete_volume(**core, core->alice(), v); }).code(), Code::conflict);
  world.release("attach");
  EXPECT_EQ(core->ended(o).state, state::done);
  EXPECT_EQ(core->differences(world), std::vector<std::string>{});
}

// Opens nothing until it is let go.
class HangingSource : public FakeSource {
 public:
  explicit HangingSource(FakeWorld& world) : FakeSource(world) {}
  std::unique_ptr<StorageBackend> open_storage(const std::string& plugin, const std::string& id,
                                               const std::string& config) override {
    released.get_future().wait();
    return FakeSource::open_storage(plugin, id, config);
  }
  std::promise<void> released;
};

TEST(HangingOpen, DoesNotKeepTheServiceFromStarting) {
  FakeWorld world;
  TemporaryDirectory dir;
  HangingSource source(world);
  Core core(test_config(dir.path()), {}, quick(), &source);
  core.registry.open_limit = milliseconds(50);
  core.start();
  auto& slot = core.registry.backend_by_name("").slot;
  EXPECT_THAT(slot.trouble(), HasSubstr("does not answer"));
  EXPECT_EQ(error_of([&] { slot.plugin(); }).code(), Code::unavailable);
  EXPECT_TRUE(core.registry.host_by_name("node1").slot.is_open());
  source.released.set_value();
  for (int i = 0; i < 5000 && !(slot.is_open() && slot.trouble().empty()); ++i)
    std::this_thread::sleep_for(milliseconds(1));
  EXPECT_TRUE(slot.is_open());
  EXPECT_EQ(slot.trouble(), "");
}
}  // namespace
}  // namespace vbs::test
