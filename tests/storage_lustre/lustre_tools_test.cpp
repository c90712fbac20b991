// SPDX-License-Identifier: MIT
//
// Against what lfs really printed (recorded/README.md).
#include "plugins/storage_lustre/lustre_tools.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace vbs::lustre {
namespace {

std::string recorded(const std::string& name) {
  std::ifstream in(std::string(std::getenv("VBS_SOURCE_DIR")) + "/tests/storage_lustre/recorded/" + name);
  EXPECT_TRUE(in) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(LustreTools, DfGivesEachOstAndLeavesTheMdtOut) {
  const auto osts = parse_df(recorded("df.txt"));
  ASSERT_EQ(osts.size(), 4u);
  EXPECT_EQ(osts[3].index, 3);
  EXPECT_EQ(osts[3].total_bytes, 3833116ull << 10);
  EXPECT_EQ(osts[3].available_bytes, 3605628ull << 10);
}

TEST(LustreTools, DfLeavesOutAnOstThatIsAway) {
  const auto osts = parse_df(recorded("df-ost-away.txt"));
  ASSERT_EQ(osts.size(), 3u);
  EXPECT_EQ(osts[1].index, 2);
  EXPECT_EQ(osts[1].available_bytes, 3391608ull << 10);
}

TEST(LustreTools, DfOfAPoolGivesItsOsts) { EXPECT_EQ(parse_df(recorded("df-pool.txt")).size(), 2u); }

TEST(LustreTools, DfOfAnEmptyOrUnknownPoolGivesNone) { EXPECT_TRUE(parse_df(recorded("df-empty-pool.txt")).empty()); }

TEST(LustreTools, DfOfNonsenseGivesNone) {
  for (const char* text : {"", "\n\n", "x x x x x [OST:", "x x x x x [OST:]", "x a x b x [OST:1]", "[OST:1]"})
    EXPECT_TRUE(parse_df(text).empty()) << text;
}

TEST(LustreTools, LayoutOfAPlainFile) {
  const auto layout = parse_layout(recorded("getstripe-plain.txt"));
  ASSERT_TRUE(layout);
  EXPECT_EQ(layout->stripe_count, 4);
  EXPECT_EQ(layout->stripe_size_bytes, 4u << 20);
  EXPECT_EQ(layout->pool, "");
}

TEST(LustreTools, LayoutNamesThePool) { EXPECT_EQ(parse_layout(recorded("getstripe-pool.txt")).value().pool, "fast"); }

TEST(LustreTools, LayoutOfACompositeFileIsThatOfItsFirstComponent) {
  EXPECT_EQ(parse_layout(recorded("getstripe-composite.txt")).value().stripe_count, 1);
}

TEST(LustreTools, FileWithoutObjectsHasNoLayout) {
  EXPECT_FALSE(parse_layout(recorded("getstripe-none.txt")));
  EXPECT_FALSE(parse_layout(""));
}

TEST(LustreTools, PoolsAreNamedWithoutTheirFileSystem) {
  EXPECT_EQ(parse_pools(recorded("pool-list.txt")), std::vector<std::string>{"fast"});
  EXPECT_TRUE(parse_pools("Pools from lab:\n").empty());
}

TEST(LustreTools, MountOfAPathIsTheInnermost) {
  const std::string mounts = "/dev/vda / ext4 rw 0 0\n" + recorded("mounts.txt") + "x /mnt/lab/in\\040ner xfs rw 0 0\n";
  EXPECT_EQ(mount_of(mounts, "/mnt/lab/vbs").value().point, "/mnt/lab");
  EXPECT_EQ(mount_of(mounts, "/mnt/lab2").value().point, "/mnt/lab2");
  EXPECT_EQ(mount_of(mounts, "/mnt/labor").value().point, "/");
  EXPECT_EQ(mount_of(mounts, "/mnt/lab/in ner/x").value().type, "xfs");
  EXPECT_FALSE(mount_of("", "/"));
}

TEST(LustreTools, MountOptionTellsHowFarLocksReach) {
  const auto mounts = recorded("mounts.txt");
  auto mount = mount_of(mounts, "/mnt/lab").value();
  EXPECT_EQ(lock_option(mount), LockOption::cluster);
  const auto with = [&](const std::string& option) {
    auto m = mount;
    m.options.replace(m.options.find("flock"), 5, option);
    return lock_option(m);
  };
  EXPECT_EQ(with("localflock"), LockOption::local);
  EXPECT_EQ(with("noflock"), LockOption::none);
  mount.type = "ext4";
  EXPECT_EQ(lock_option(mount), LockOption::not_lustre);
}

}  // namespace
}  // namespace vbs::lustre
