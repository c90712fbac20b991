// The `file` connector: the node side of an export whose path is reachable there.
#include <gmock/gmock.h>

#include "core/base/error.hpp"
#include "tests/plugin_host/plugin_dir.hpp"

namespace vbs::test {
namespace {
using testing::HasSubstr;

class FileConnector : public testing::Test {
 protected:
  Source connect(const std::string& data) {
    return make_file_connector()->connect({}, {Mode::ro, "file", "qcow2", data, ""}, "serial");
  }
  void expect_error(Code code, const std::string& part, const std::string& data) {
    try {
      connect(data);
      FAIL() << data;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), code) << e.what();
      EXPECT_THAT(e.what(), HasSubstr(part));
    }
  }
  TempDir dir_;
};

TEST_F(FileConnector, gives_the_path_and_its_backing_chain) {
  write_file(dir_ / "top", "");
  write_file(dir_ / "base", "");
  const auto s = connect(R"({"path": ")" + (dir_ / "top") + R"(", "backing": [{"path": ")" + (dir_ / "base") +
                         R"(", "format": "raw"}]})");
  EXPECT_EQ(s.kind, "file");
  EXPECT_EQ(s.format, "qcow2");
  EXPECT_EQ(s.path, dir_ / "top");
  EXPECT_EQ(s.data, R"({"backing":[{"path":")" + (dir_ / "base") + R"(","format":"raw"}]})");
}

TEST_F(FileConnector, says_unavailable_for_a_file_that_is_not_there) {
  expect_error(Code::unavailable, "check that its file system is mounted here",
               R"({"path": ")" + (dir_ / "none") + "\"}");
  write_file(dir_ / "top", "");
  expect_error(
      Code::unavailable, "base cannot be reached",
      R"({"path": ")" + (dir_ / "top") + R"(", "backing": [{"path": ")" + (dir_ / "base") + R"(", "format": "raw"}]})");
}

TEST_F(FileConnector, refuses_what_is_not_a_regular_file) {
  expect_error(Code::internal, "is not a regular file", R"({"path": ")" + dir_.path() + "\"}");
  std::filesystem::create_symlink("/etc/passwd", dir_ / "link");
  expect_error(Code::internal, "is not a regular file", R"({"path": ")" + (dir_ / "link") + "\"}");
  expect_error(Code::internal, "is not absolute", R"({"path": "top"})");
}

TEST_F(FileConnector, disconnects_again_and_again) {
  const auto connector = make_file_connector();
  connector->disconnect({}, {});
  connector->disconnect({}, {});
}
}  // namespace
}  // namespace vbs::test
