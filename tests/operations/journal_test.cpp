// Operations whose commits fail: another process holds the store's write lock, as a full disk would refuse them.
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/test_core.hpp"

namespace vbs::test {
namespace {
using std::chrono::milliseconds;

struct Journal : testing::Test {
  FakeWorld world;
  TemporaryDirectory dir;
  TestCore core{world, dir.path()};
  store::Session other{dir / "vbs.db", store::Session::Access::read_write};

  void SetUp() override {
    core->database.writer().transact([](store::Tx& tx) { tx.db.script("PRAGMA busy_timeout = 1"); });
  }
  void fail_commits() { other.run("BEGIN IMMEDIATE"); }
  void let_commits() { other.run("ROLLBACK"); }
  // Commits fail from the moment the plugin is inside of `call` until some were tried.
  void while_commits_fail(const std::string& call) {
    world.wait_until_held(call);
    fail_commits();
    world.release(call);
    std::this_thread::sleep_for(milliseconds(100));
    let_commits();
  }
};

TEST_F(Journal, ADoneStepWhoseCommitFailsIsCommittedLaterAndNotRunAgain) {
  world.hold("create");
  NewVolume w;
  w.size_bytes = kMiB;
  const auto a = create_volume(*core, core.alice(), w);
  while_commits_fail("create");
  EXPECT_EQ(core.ended(a).state, state::done);
  EXPECT_EQ(world.calls("create").size(), 1u);
  EXPECT_EQ(core.differences(world), std::vector<std::string>{});
}

TEST_F(Journal, AFailedStepWhoseCommitFailsIsUndoneLater) {
  const auto v = core.volume();
  world.hold("attach");
  world.fail({.call = "attach", .code = Code::conflict});
  const auto a = attach_volume(*core, core.alice(), v, {"node1", "vm1", "", Mode::rw});
  while_commits_fail("attach");
  EXPECT_EQ(core.ended(a).error_code, "conflict");
  EXPECT_EQ(core.differences(world), std::vector<std::string>{});
}

TEST_F(Journal, AQueuedOperationThatGivesUpWhileCommitsFailEndsLater) {
  const auto v = core.volume();
  NewSnapshot wanted;
  wanted.volume_id = v;
  world.hold("snapshot_take");
  const auto first = create_snapshot(*core, core.alice(), wanted),
             second = create_snapshot(*core, core.alice(), wanted);
  core->engine.cancel(second.operation_id);
  while_commits_fail("snapshot_take");
  EXPECT_EQ(core.ended(first).state, state::done);
  EXPECT_EQ(core.ended(second).error_code, "cancelled");
}

TEST_F(Journal, AnOperationThatIsGrantedWhileCommitsFailBeginsLater) {
  const auto v = core.volume();
  NewSnapshot wanted;
  wanted.volume_id = v;
  world.hold("snapshot_finish");
  const auto first = create_snapshot(*core, core.alice(), wanted),
             second = create_snapshot(*core, core.alice(), wanted);
  while_commits_fail("snapshot_finish");
  EXPECT_EQ(core.ended(first).state, state::done);
  EXPECT_EQ(core.ended(second).state, state::done);
  EXPECT_EQ(core.differences(world), std::vector<std::string>{});
}

TEST_F(Journal, AnAdmissionWhoseCommitFailsIsRefusedAndLeavesNoLock) {
  const auto v = core.volume();
  fail_commits();
  EXPECT_EQ(error_of([&] { extend_volume(*core, core.alice(), v, 16 * kMiB); }).code(), Code::internal);
  let_commits();
  EXPECT_EQ(core.ended(extend_volume(*core, core.alice(), v, 16 * kMiB)).state, state::done);
}

TEST_F(Journal, AStopWhileCommitsFailLosesNothing) {
  world.hold("create");
  NewVolume w;
  w.size_bytes = kMiB;
  TemporaryDirectory second_dir;
  Admitted a;
  {
    TestCore stopping(world, second_dir.path());
    stopping->database.writer().transact([](store::Tx& tx) { tx.db.script("PRAGMA busy_timeout = 1"); });
    a = create_volume(*stopping, stopping.alice(), w);
    world.wait_until_held("create");
    store::Session blocker(second_dir / "vbs.db", store::Session::Access::read_write);
    blocker.run("BEGIN IMMEDIATE");
    world.release("create");
    std::this_thread::sleep_for(milliseconds(50));
    stopping->engine.stop();
    blocker.run("ROLLBACK");
  }
  TestCore again(world, second_dir.path());
  EXPECT_EQ(again.ended(a).state, state::done);
  EXPECT_EQ(again.differences(world), std::vector<std::string>{});
}
}  // namespace
}  // namespace vbs::test
