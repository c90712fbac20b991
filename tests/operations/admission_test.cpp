// What is accepted, and what the same request again leads to.
#include <gtest/gtest.h>

#include "tests/support/test_core.hpp"

namespace vbs::test {
namespace {
struct Admission : testing::Test {
  FakeWorld world;
  TemporaryDirectory dir;
  static NewVolume small() {
    NewVolume w;
    w.size_bytes = kMiB;
    return w;
  }
};

TEST_F(Admission, TheSameRequestWithTheSameKeyLeadsToTheSameObject) {
  TestCore core(world, dir.path());
  const auto first = create_volume(*core, core.alice("key"), small());
  const auto again = create_volume(*core, core.alice("key"), small());
  core.ended(first);
  const auto later = create_volume(*core, core.alice("key"), small());
  for (const auto& a : {again, later}) {
    EXPECT_EQ(a.object_id, first.object_id);
    EXPECT_EQ(a.operation_id, first.operation_id);
  }
  EXPECT_EQ(world.calls("create").size(), 1u);
}

TEST_F(Admission, AnotherRequestWithTheSameKeyIsAConflict) {
  TestCore core(world, dir.path());
  core.ended(create_volume(*core, core.alice("key", "one body"), small()));
  const auto e = error_of([&] { create_volume(*core, core.alice("key", "other body"), small()); });
  EXPECT_EQ(e.code(), Code::conflict);
  EXPECT_EQ(e.field(), "Idempotency-Key");
}

TEST_F(Admission, AKeyIsRememberedOverARestart) {
  Admitted first;
  {
    TestCore core(world, dir.path());
    first = create_volume(*core, core.alice("key", "body"), small());
    core.ended(first);
  }
  TestCore core(world, dir.path());
  EXPECT_EQ(create_volume(*core, core.alice("key", "body"), small()).object_id, first.object_id);
  EXPECT_EQ(error_of([&] { create_volume(*core, core.alice("key", "other"), small()); }).code(), Code::conflict);
}

TEST_F(Admission, AKeyBelongsToOneUser) {
  TestCore core(world, dir.path());
  const auto a = create_volume(*core, core.caller("alice", "key", "h"), small());
  const auto b = create_volume(*core, core.caller("bob", "key", "h"), small());
  EXPECT_NE(a.object_id, b.object_id);
  core.settle();
}

TEST_F(Admission, ARefusedRequestDoesNotUseItsKeyUp) {
  TestCore core(world, dir.path());
  const auto v = core.volume();
  core.attach(v);
  const auto remove = [&] { return delete_volume(*core, core.alice("key"), v); };
  EXPECT_EQ(error_of(remove).code(), Code::conflict) << "it is attached";
  core.ended(detach_volume(*core, core.alice(), v, {}).front());
  EXPECT_EQ(core.ended(remove()).state, state::done);
}

TEST_F(Admission, ARepeatedDetachIsAnsweredAsTheFirst) {
  TestCore core(world, dir.path());
  const auto v = core.volume();
  core.attach(v);
  const auto first = detach_volume(*core, core.alice("key"), v, {});
  core.ended(first.front());
  const auto again = detach_volume(*core, core.alice("key"), v, {});
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again.front().operation_id, first.front().operation_id);
}

TEST_F(Admission, NothingIsTakenInTheMiddleOfAStop) {
  TestCore core(world, dir.path());
  core->engine.stop();
  EXPECT_EQ(error_of([&] { create_volume(*core, core.alice(), small()); }).code(), Code::unavailable);
}

TEST_F(Admission, ARefusalNamesTheStateThatForbidsIt) {
  TestCore core(world, dir.path());
  const auto v = core.volume();
  world.hold("remove");
  const auto gone = delete_volume(*core, core.alice(), v);
  const auto e = error_of([&] { extend_volume(*core, core.alice(), v, 16 * kMiB); });
  EXPECT_EQ(e.code(), Code::conflict);
  EXPECT_NE(std::string(e.what()).find("is deleting"), std::string::npos) << e.what();
  world.release("remove");
  core.ended(gone);
}
}  // namespace
}  // namespace vbs::test
