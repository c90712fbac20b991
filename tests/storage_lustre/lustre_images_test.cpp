// SPDX-License-Identifier: MIT
//
// What the plugin does on Lustre, with a stand-in for lfs that behaves as recorded: refused layouts leave an empty
// file, corrections are silent. A real Lustre does not run here.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "plugins/storage_lustre/images.hpp"
#include "plugins/storage_lustre/names.hpp"
#include "plugins/storage_lustre/space.hpp"
#include "tests/support/fake_host.hpp"

namespace vbs::lustre {
namespace {
using test::FakeCall;
using test::FakeHost;

class LustreImages : public testing::Test {
 protected:
  LustreImages()
      : source_(std::getenv("VBS_SOURCE_DIR")),
        host_(source_ + "/plugins/storage_lustre/storage_lustre.vbs-plugin.yaml") {
    std::string path = std::string(std::getenv("VBS_BUILD_DIR")) + "/lustre-images-XXXXXX";
    root_ = mkdtemp(path.data());
    std::filesystem::create_directory(root_ + "/images");
    config_.root = root_;
    // The pattern's own arguments follow as $1, $2 ...: setstripe -c COUNT -S SIZE [-p POOL] PATH.
    lfs("lfs_setstripe", R"(for last; do :; done; : > "$last")");
    lfs("lfs_setstripe_pool", R"(for last; do :; done; : > "$last")");
    shows("lfs_getstripe", "getstripe-plain.txt");
    shows("lfs_df", "df.txt");
    shows("lfs_df_pool", "df-pool.txt");
  }
  ~LustreImages() override { std::filesystem::remove_all(root_); }

  void lfs(const std::string& command, const std::string& script) {
    auto& argv = host_.commands.at(command);
    if (argv[0] == "lfs") argv.erase(argv.begin());
    if (argv[0] == "sh") argv.erase(argv.begin(), argv.begin() + 4);
    argv.insert(argv.begin(), {"sh", "-c", script, "lfs"});
  }
  void shows(const std::string& command, const std::string& file) {
    lfs(command, "cat '" + source_ + "/tests/storage_lustre/recorded/" + file + "'");
  }
  // The status and message of making one file.
  std::pair<vbs_status, std::string> make(const Striping& striping) {
    FakeCall raw;
    plugin::Call call(raw.raw());
    Images images(*files_, plugin::Host(host_.table()), config_, true);
    const File dir = files_->open_dir(root_ + "/images");
    const auto status = plugin::guard(raw.raw(), [&] {
      Attempt attempt(*files_, index_, call, dir);
      images.empty(call, attempt, dir, name_, 1 << 20, striping);
      attempt.keep();
    });
    return {status, raw.message};
  }
  bool exists() const { return std::filesystem::exists(root_ + "/images/" + name_); }
  Figures figures(const Striping& striping) {
    FakeCall raw;
    plugin::Call call(raw.raw());
    Space space(*files_, plugin::Host(host_.table()), config_, index_, true);
    return space.figures(call, files_->open_dir(root_), striping);
  }

  const std::string source_;
  FakeHost host_;
  std::string root_;
  Config config_;
  std::unique_ptr<Files> files_ = posix_files();
  Index index_;
  const std::string name_ = "5e570000-0000-4000-8000-00000000000a.1.raw";
};

TEST_F(LustreImages, FileIsStripedBeforeAnythingElseHappensToIt) {
  const auto [status, message] = make({});
  EXPECT_EQ(status, VBS_OK) << message;
  EXPECT_TRUE(exists());
  EXPECT_EQ(std::filesystem::file_size(root_ + "/images/" + name_), 1u << 20);
}

TEST_F(LustreImages, RefusedLayoutLeavesNoFile) {
  lfs("lfs_setstripe",
      R"(for last; do :; done; : > "$last"; echo "setstripe error for '$last': Invalid argument" >&2; exit 22)");
  const auto [status, message] = make({});
  EXPECT_EQ(status, VBS_INTERNAL);
  EXPECT_NE(message.find("Invalid argument"), std::string::npos) << message;
  EXPECT_FALSE(exists());
}

TEST_F(LustreImages, SilentlyCorrectedStripeSizeIsFoundByReadingBack) {
  const auto [status, message] = make({4, 1 << 20, ""});
  EXPECT_EQ(status, VBS_INVALID);
  EXPECT_NE(message.find("stripe_size"), std::string::npos) << message;
  EXPECT_FALSE(exists());
}

TEST_F(LustreImages, FewerStripesThanAskedForAreAccepted) { EXPECT_EQ(make({8, 4 << 20, ""}).first, VBS_OK); }

TEST_F(LustreImages, FileOutsideItsPoolIsRefused) {
  EXPECT_EQ(make({4, 4 << 20, "fast"}).first, VBS_INVALID);
  shows("lfs_getstripe", "getstripe-pool.txt");
  EXPECT_EQ(make({1, 4 << 20, "fast"}).first, VBS_OK);
}

TEST_F(LustreImages, FileWithoutObjectsIsRefused) {
  shows("lfs_getstripe", "getstripe-none.txt");
  EXPECT_EQ(make({}).first, VBS_INTERNAL);
  EXPECT_FALSE(exists());
}

TEST_F(LustreImages, FileThatExistsIsNotTouched) {
  ASSERT_EQ(make({}).first, VBS_OK);
  lfs("lfs_setstripe", "echo must not be called >&2; exit 1");
  EXPECT_EQ(make({}).first, VBS_CONFLICT);
  EXPECT_TRUE(exists());
}

TEST_F(LustreImages, FreeSpaceIsStripesTimesTheSmallestOst) {
  shows("lfs_df", "df-ost-away.txt");
  const auto two = figures({2, 4 << 20, ""});
  EXPECT_EQ(two.osts, 3);
  EXPECT_EQ(two.free_bytes, 2 * (3391608ull << 10));
  EXPECT_EQ(two.total_bytes, 3 * (3833116ull << 10));
  EXPECT_EQ(figures({8, 4 << 20, ""}).free_bytes, 3 * (3391608ull << 10));
  EXPECT_EQ(figures({-1, 4 << 20, ""}).free_bytes, 3 * (3391608ull << 10));
}

TEST_F(LustreImages, FreeSpaceOfAPoolIsThatOfItsOsts) { EXPECT_EQ(figures({8, 4 << 20, "fast"}).osts, 2); }

TEST_F(LustreImages, PoolWithoutOstsIsUnavailableAndNamed) {
  shows("lfs_df_pool", "df-empty-pool.txt");
  try {
    figures({8, 4 << 20, "fast"});
    FAIL();
  } catch (const plugin::Error& e) {
    EXPECT_EQ(e.status(), VBS_UNAVAILABLE);
    EXPECT_NE(std::string(e.what()).find("fast"), std::string::npos);
  }
}

}  // namespace
}  // namespace vbs::lustre
