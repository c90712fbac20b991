// A start on a journal that no vbsd wrote: vbsd says in one line which operation it cannot take up, and why. Found by
// tests/fuzz/journal.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_core.hpp"

namespace vbs::test {
namespace {
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct DamagedJournal : testing::Test {
  FakeWorld world;
  TemporaryDirectory dir;

  // A store in whose journal an extend stands at its first step, but for `change`.
  std::string start(const std::string& change) {
    {
      TestCore core(world, dir.path());
      const auto volume = core.volume();
      core.ended(extend_volume(*core, core.alice(), volume, 64 * kMiB));
      core->database.writer().transact([&](store::Tx& tx) {
        tx.db.script("UPDATE operations SET state = 'running', step = 0, " + change + " WHERE kind = 'extend-volume'");
      });
    }
    try {
      TestCore core(world, dir.path());
      core.settle();
    } catch (const Error& e) {
      return e.what();
    }
    return "started";
  }
};

TEST_F(DamagedJournal, ThatIsNotDamagedIsTakenUp) { EXPECT_EQ(start("attempt = 1"), "started"); }

TEST_F(DamagedJournal, AStepThatTheOperationDoesNotHaveIsToldAndNotRun) {
  EXPECT_THAT(start("step = 7"), HasSubstr("the journal has it at step 7"));
}
TEST_F(DamagedJournal, AStepBeforeTheFirstIsTold) { EXPECT_THAT(start("step = -2"), HasSubstr("step")); }
TEST_F(DamagedJournal, ParametersThatAreNoObjectAreTold) {
  EXPECT_THAT(start("params = '[1]'"), AllOf(HasSubstr("extend-volume"), HasSubstr("params are no JSON object")));
}
TEST_F(DamagedJournal, AKindThatThisVersionDoesNotHaveIsToldInOneLine) {
  EXPECT_THAT(start("kind = 'rename' || char(10) || 'layer'"),
              AllOf(HasSubstr("rename\\x0alayer"), Not(HasSubstr("\n"))));
}
TEST_F(DamagedJournal, AQueuedOperationInTheMiddleIsTold) {
  EXPECT_THAT(start("state = 'queued', step = 1"), HasSubstr("the journal has it at step 1"));
}
}  // namespace
}  // namespace vbs::test
