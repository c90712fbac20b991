// Hosts and back-ends that are to be emptied.
#include "core/service/drain.hpp"

#include <gmock/gmock.h>

#include "tests/support/test_core.hpp"

namespace vbs::test {
namespace {
using testing::HasSubstr;
using testing::IsEmpty;

struct Drain : testing::Test {
  FakeWorld world;
  TemporaryDirectory dir;
  TestCore core{world, test_config(dir.path(), true)};
};

TEST_F(Drain, OfAHostRefusesNewAttachmentsAndTellsWhatIsLeft) {
  const auto v = core.volume(), other = core.volume();
  core.attach(v, Mode::rw, "vm1");
  const auto left = drain_host(*core, core.root(), "node1", true);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].kind, "attachment");
  EXPECT_EQ(left[0].id, v);
  EXPECT_EQ(left[0].name, "vm1");
  const auto e = error_of([&] { attach_volume(*core, core.root(), other, {"node1", "vm2", "", Mode::rw}); });
  EXPECT_EQ(e.code(), Code::conflict);
  EXPECT_THAT(e.what(), HasSubstr("host node1 is drained and takes nothing new"));
  EXPECT_EQ(core.ended(extend_volume(*core, core.alice(), v, 16 * kMiB)).state, state::done);
  core.ended(detach_volume(*core, core.alice(), v, {}).front());
  EXPECT_THAT(drain_host(*core, core.root(), "node1", true), IsEmpty());
  drain_host(*core, core.root(), "node1", false);
  EXPECT_EQ(core.ended(attach_volume(*core, core.root(), other, {"node1", "vm2", "", Mode::rw})).state, state::done);
}

TEST_F(Drain, OfAHostRefusesVmsThatWouldMoveThere) {
  const auto v = core.volume();
  core.attach(v);
  drain_host(*core, core.root(), "node2", true);
  const auto e = error_of([&] { move_attachment(*core, core.root(), v, {"node1", "node2", ""}); });
  EXPECT_THAT(e.what(), HasSubstr("host node2 is drained"));
}

TEST_F(Drain, OfABackEndRefusesVolumesAndSnapshots) {
  const auto v = core.volume(), s = core.snapshot(v);
  const auto left = drain_backend(*core, core.root(), "fast", true);
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[0].id, v);
  EXPECT_EQ(left[1].id, s);
  NewVolume wanted;
  wanted.size_bytes = kMiB;
  EXPECT_THAT(error_of([&] { create_volume(*core, core.alice(), wanted); }).what(),
              HasSubstr("back-end fast is drained"));
  EXPECT_THAT(error_of([&] {
                create_snapshot(*core, core.alice(), {v, "s", "", "{}"});
              }).what(),
              HasSubstr("back-end fast is drained"));
  drain_backend(*core, core.root(), "fast", false);
  core.volume();
}

TEST_F(Drain, IsTheOperatorsAndOutlivesARestart) {
  EXPECT_EQ(error_of([&] { drain_host(*core, core.alice(), "node1", true); }).code(), Code::forbidden);
  EXPECT_EQ(error_of([&] { drain_backend(*core, core.alice(), "fast", true); }).code(), Code::forbidden);
  EXPECT_EQ(error_of([&] { drain_backend(*core, core.root(), "none", true); }).code(), Code::not_found);
  TemporaryDirectory own;
  {
    TestCore before(world, test_config(own.path()));
    drain_host(*before, before.root(), "node1", true);
  }
  TestCore after(world, test_config(own.path()));
  EXPECT_TRUE(is_drained(*after, "host", after->registry.host_by_name("node1").row.id));
}

TEST(DefaultBackend, IsTheFirstThatIsNotDrained) {
  FakeWorld world;
  TemporaryDirectory dir;
  auto config = test_config(dir.path());
  config.backends.push_back(config.backends.front());
  config.backends.back().name = "second";
  TestCore core(world, config);
  drain_backend(*core, core.root(), "fast", true);
  EXPECT_EQ(core.row(core.volume()).backend_id, core->registry.backend_by_name("second").row.id);
}
}  // namespace
}  // namespace vbs::test
