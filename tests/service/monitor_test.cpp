#include "core/service/monitor.hpp"

#include <gtest/gtest.h>

#include "core/base/metrics.hpp"
#include "tests/support/test_core.hpp"

namespace vbs::test {
namespace {
TEST(Monitor, KnowsSoonAfterTheStartWhatAnswers) {
  FakeWorld world;
  TemporaryDirectory dir;
  TestCore core(world, dir.path());
  EXPECT_TRUE(core.until([&] { return core->monitor.backends().at(0).capacity.has_value(); }));
  const auto backend = core->monitor.backends().at(0);
  EXPECT_EQ(backend.name, "fast");
  EXPECT_TRUE(backend.up) << backend.error;
  EXPECT_GE(backend.capacity->total_bytes, backend.capacity->free_bytes);
  ASSERT_EQ(core->monitor.hosts().size(), 1u);
  EXPECT_TRUE(core->monitor.hosts().at(0).up);
}

TEST(Monitor, SaysThatABackendWhoseCallsDoNotReturnIsDown) {
  FakeWorld world;
  TemporaryDirectory dir;
  TestCore core(world, dir.path());
  ASSERT_TRUE(core.until([&] { return core->monitor.backends().at(0).up; }));
  auto& pool = core->registry.backends().at(0)->slot.pool();
  pool.thread_lost();
  const auto backend = core->monitor.backends().at(0);
  EXPECT_FALSE(backend.up);
  EXPECT_NE(backend.error.find("1 calls to it have not returned"), std::string::npos) << backend.error;
  pool.thread_came_back();
  EXPECT_TRUE(core->monitor.backends().at(0).up);
}

TEST(Monitor, LeavesOutHostsWithoutAHypervisor) {
  FakeWorld world;
  TemporaryDirectory dir;
  auto config = test_config(dir.path());
  HostConfig bare;
  bare.name = "bare";
  config.hosts.push_back(bare);
  TestCore core(world, config);
  EXPECT_EQ(core->monitor.hosts().size(), 1u);
}

TEST(Metrics, ValuesOfLabelsCannotForgeLines) {
  const auto text =
      metrics::text({{"vbs_backend_up", "help", {{"backend", "a\"\n\\b"}}, 1}, {"vbs_store_writable", "help", {}, 0}});
  EXPECT_NE(text.find("vbs_backend_up{backend=\"a\\\"\\n\\\\b\"} 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("# TYPE vbs_store_writable gauge\nvbs_store_writable 0\n"), std::string::npos) << text;
}
}  // namespace
}  // namespace vbs::test
