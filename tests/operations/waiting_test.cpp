// What the engine does while something does not answer.
#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <thread>

#include "tests/support/test_core.hpp"

namespace vbs::test {
namespace {
using std::chrono::milliseconds;

EngineOptions patient(milliseconds patience, milliseconds first = milliseconds(2),
                      milliseconds longest = milliseconds(20)) {
  auto o = quick();
  o.patience = patience;
  o.first_pause = first;
  o.longest_pause = longest;
  return o;
}

struct Waiting : testing::Test {
  FakeWorld world;
  TemporaryDirectory dir;
  static NewVolume small() {
    NewVolume w;
    w.size_bytes = kMiB;
    return w;
  }
};

TEST_F(Waiting, AnUnavailableBackEndIsAskedAgainUntilItAnswers) {
  TestCore core(world, dir.path(), patient(milliseconds(20000)));
  world.fail({.call = "create", .code = Code::unavailable, .message = "not mounted", .times = 3});
  const auto o = core.ended(create_volume(*core, core.alice(), small()));
  EXPECT_EQ(o.state, state::done);
  EXPECT_EQ(o.waits_for, "");
  std::vector<uint64_t> attempts;
  for (const auto& c : world.calls("create")) attempts.push_back(c.epoch);
  EXPECT_EQ(attempts, (std::vector<uint64_t>{1, 2, 3, 4}));
  EXPECT_EQ(core.differences(world), std::vector<std::string>{});
}

TEST_F(Waiting, ItShowsWhatItWaitsFor) {
  TestCore core(world, dir.path(), patient(milliseconds(60000)));
  world.set_down(true);
  const auto admitted = create_volume(*core, core.alice(), small());
  ASSERT_TRUE(core.until_state(admitted.operation_id, state::waiting));
  EXPECT_EQ(core.operation(admitted.operation_id)->waits_for, "the fake is down");
  EXPECT_EQ(core->engine.status(admitted.operation_id)->state, state::waiting);
  world.set_down(false);
  EXPECT_EQ(core.ended(admitted).state, state::done);
}

TEST_F(Waiting, ThePausesGrowUpToTheLongest) {
  TestCore core(world, dir.path(), patient(milliseconds(60000), milliseconds(40), milliseconds(160)));
  std::mutex mutex;
  std::vector<std::chrono::steady_clock::time_point> at;
  world.watch([&](const std::string& point) {
    if (point != "storage.create.before") return;
    const std::lock_guard lock(mutex);
    at.push_back(std::chrono::steady_clock::now());
  });
  world.fail({.call = "create", .code = Code::unavailable, .times = 5});
  core.ended(create_volume(*core, core.alice(), small()));
  world.watch(nullptr);
  ASSERT_EQ(at.size(), 6u);
  const std::vector<int> least{40, 80, 160, 160, 160};  // milliseconds; a busy machine may take longer, never shorter
  for (size_t i = 0; i < least.size(); ++i) EXPECT_GE(at[i + 1] - at[i], milliseconds(least[i])) << "pause " << i;
}

TEST_F(Waiting, WhenPatienceIsOverWhatCanBeUndoneIsUndone) {
  TestCore core(world, dir.path(), patient(milliseconds(100)));
  const auto v = core.volume();
  world.fail({.call = "attach", .code = Code::unavailable, .message = "libvirtd is away", .times = 1000000});
  const auto before = std::chrono::steady_clock::now();
  const auto o = core.ended(attach_volume(*core, core.alice(), v, {"node1", "vm1", "", Mode::rw}));
  EXPECT_GE(std::chrono::steady_clock::now() - before, milliseconds(100));
  EXPECT_EQ(o.state, state::failed);
  EXPECT_EQ(o.error_code, "unavailable");
  EXPECT_EQ(o.error_message, "libvirtd is away");
  EXPECT_EQ(core.differences(world), std::vector<std::string>{});
}

TEST_F(Waiting, PatienceCountsFromTheFirstFailureNotFromTheStartOfALongCall) {
  TestCore core(world, dir.path(), patient(milliseconds(300)));
  world.hold("create");
  world.fail({.call = "create", .code = Code::unavailable});
  const auto admitted = create_volume(*core, core.alice(), small());
  world.wait_until_held("create");
  std::this_thread::sleep_for(milliseconds(500));  // longer than the patience: a copy of many bytes
  world.release("create");
  EXPECT_EQ(core.ended(admitted).state, state::done);
}

TEST_F(Waiting, AnUnknownOutcomeIsAskedForWithAHigherAttemptAndNeverGivenUp) {
  TestCore core(world, dir.path(), patient(milliseconds(10)));
  world.fail({.call = "create", .code = Code::unknown_outcome, .times = 8, .done_first = true});
  const auto o = core.ended(create_volume(*core, core.alice(), small()));
  EXPECT_EQ(o.state, state::done);
  const auto calls = world.calls("create");
  ASSERT_EQ(calls.size(), 9u);
  for (size_t i = 0; i < calls.size(); ++i) EXPECT_EQ(calls[i].epoch, i + 1);
  EXPECT_EQ(core.differences(world), std::vector<std::string>{}) << "the tries that were not published are gone";
}

TEST_F(Waiting, AStepWithoutUndoThatMayHaveHappenedIsAskedForBeyondAllPatience) {
  TestCore core(world, dir.path(), patient(milliseconds(10)));
  const auto v = core.volume(kMiB);
  world.fail({.call = "extend", .code = Code::unknown_outcome, .done_first = true});
  world.fail({.call = "extend", .code = Code::unavailable, .nth = 2, .times = 10});
  const auto o = core.ended(extend_volume(*core, core.alice(), v, 4 * kMiB));
  EXPECT_EQ(o.state, state::done) << "giving up would leave store and back-end with two sizes";
  EXPECT_EQ(core.row(v).size_bytes, static_cast<long long>(4 * kMiB));
  EXPECT_EQ(core.differences(world), std::vector<std::string>{});
}

TEST_F(Waiting, AnExtendThatNeverReachedTheBackEndIsGivenUp) {
  TestCore core(world, dir.path(), patient(milliseconds(50)));
  const auto v = core.volume(kMiB);
  world.fail({.call = "extend", .code = Code::unavailable, .times = 1000000});
  EXPECT_EQ(core.ended(extend_volume(*core, core.alice(), v, 4 * kMiB)).error_code, "unavailable");
  EXPECT_EQ(core.row(v).lifecycle, "available");
  EXPECT_EQ(core.differences(world), std::vector<std::string>{});
}

TEST_F(Waiting, ADeleteWaitsAsLongAsItTakes) {
  TestCore core(world, dir.path(), patient(milliseconds(20)));
  const auto v = core.volume();
  world.fail({.call = "remove", .code = Code::unavailable, .times = 15});
  EXPECT_EQ(core.ended(delete_volume(*core, core.alice(), v)).state, state::done);
  EXPECT_EQ(core.differences(world), std::vector<std::string>{});
}

TEST_F(Waiting, ACallThatDoesNotEndInTimeIsAskedAgain) {
  auto options = patient(milliseconds(20000));
  options.call_deadline = milliseconds(50);
  TestCore core(world, dir.path(), options);
  world.hold("create");
  const auto admitted = create_volume(*core, core.alice(), small());
  ASSERT_TRUE(core.until_state(admitted.operation_id, state::waiting));
  world.release("create");
  EXPECT_EQ(core.ended(admitted).state, state::done);
}

TEST_F(Waiting, RetryAsksAtOnce) {
  TestCore core(world, dir.path(), patient(std::chrono::hours(1), std::chrono::minutes(10), std::chrono::minutes(10)));
  world.fail({.call = "create", .code = Code::unavailable});
  const auto admitted = create_volume(*core, core.alice(), small());
  ASSERT_TRUE(core.until_state(admitted.operation_id, state::waiting));
  // It is journalled as waiting just before its pause begins.
  ASSERT_TRUE(core.until([&] {
    try {
      core->engine.retry(admitted.operation_id);
      return true;
    } catch (const Error&) {
      return false;
    }
  }));
  EXPECT_EQ(core.ended(admitted).state, state::done);
}

TEST_F(Waiting, OnlyWhatWaitsCanBeRetried) {
  TestCore core(world, dir.path());
  world.hold("create");
  const auto admitted = create_volume(*core, core.alice(), small());
  world.wait_until_held("create");
  EXPECT_EQ(error_of([&] { core->engine.retry(admitted.operation_id); }).code(), Code::conflict);
  world.release("create");
  core.ended(admitted);
  EXPECT_EQ(error_of([&] { core->engine.retry(admitted.operation_id); }).code(), Code::conflict);
}

TEST_F(Waiting, APollOfALongOperationIsAnsweredAtItsLimit) {
  TestCore core(world, dir.path());
  world.hold("create");
  const auto admitted = create_volume(*core, core.alice(), small());
  std::promise<std::string> answer;
  core->engine.on_end(admitted.operation_id, milliseconds(30),
                      [&](const store::OperationRow& row) { answer.set_value(row.state); });
  EXPECT_EQ(answer.get_future().get(), state::running);
  world.release("create");
  core.ended(admitted);
}
}  // namespace
}  // namespace vbs::test
