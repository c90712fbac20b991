#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "core/base/durable_file.hpp"
#include "core/base/error.hpp"
#include "core/identity/pem_file.hpp"
#include "tests/cli/temporary_directory.hpp"

namespace vbs {
namespace {
namespace fs = std::filesystem;

size_t entries(const fs::path& directory) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(directory), {}));
}

TEST(PemFile, IsWrittenWholeWithItsModeAndLeavesNoTemporaryFile) {
  const test::TemporaryDirectory directory;
  write_file_atomically(directory / "key", "secret", 0600, IfExists::refuse);
  EXPECT_EQ(read_small_file(directory / "key"), "secret");
  EXPECT_EQ(fs::status(directory / "key").permissions(), fs::perms(0600));
  EXPECT_EQ(entries(directory.path()), 1u);
}

TEST(PemFile, IsNeverWrittenOverAnotherUnlessAskedTo) {
  const test::TemporaryDirectory directory;
  write_file_atomically(directory / "key", "first", 0600, IfExists::refuse);
  try {
    write_file_atomically(directory / "key", "second", 0600, IfExists::refuse);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::conflict);
  }
  EXPECT_EQ(read_small_file(directory / "key"), "first");
  EXPECT_EQ(entries(directory.path()), 1u);
  write_file_atomically(directory / "key", "second", 0600, IfExists::replace);
  EXPECT_EQ(read_small_file(directory / "key"), "second");
  EXPECT_EQ(entries(directory.path()), 1u);
}

TEST(PemFile, ASymbolicLinkAtItsPlaceIsNotFollowed) {
  const test::TemporaryDirectory directory;
  fs::create_symlink(directory / "elsewhere", directory / "key");
  EXPECT_THROW(write_file_atomically(directory / "key", "secret", 0600, IfExists::refuse), Error);
  write_file_atomically(directory / "key", "secret", 0600, IfExists::replace);
  EXPECT_FALSE(fs::exists(directory / "elsewhere"));
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(directory / "key")));
}

TEST(PemFile, ErrorsNameTheFile) {
  const test::TemporaryDirectory directory;
  try {
    read_small_file(directory / "absent");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::not_found);
    EXPECT_NE(std::string(e.what()).find("absent"), std::string::npos);
  }
  EXPECT_THROW(write_file_atomically((directory / "no") / "key", "x", 0600, IfExists::refuse), Error);
  std::ofstream(directory / "large") << std::string(2 << 20, 'x');
  EXPECT_THROW(read_small_file(directory / "large"), Error);
}
}  // namespace
}  // namespace vbs
