// vbsd.yaml as a file: what a YAML reader would make of it beyond what an operator means. Found by
// tests/fuzz/config.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/service/config.hpp"
#include "tests/support/test_core.hpp"

namespace vbs::test {
namespace {
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

struct ConfigFile : testing::Test {
  TemporaryDirectory dir;
  const std::string path = dir / "vbsd.yaml";

  Config with_settings(const std::string& settings) {
    std::ofstream(path) << "data_dir: /d\nlisten: {certificate: c, key: k, client_ca: a}\nbackends:\n  - name: b\n"
                           "    plugin: p\n    config: "
                        << settings << "\n";
    return load_config(path);
  }
  std::string refusal(const std::string& settings) {
    const auto e = error_of([&] { with_settings(settings); });
    EXPECT_THAT(e.what(), AllOf(StartsWith(path), testing::Not(HasSubstr("\n"))));
    return e.what();
  }
};

TEST_F(ConfigFile, SettingsMayUseAliases) {
  EXPECT_EQ(with_settings("{a: &a [1, x], b: *a}").backends.at(0).config, R"({"a":[1,"x"],"b":[1,"x"]})");
}

// "Billion laughs" (CVE-2019-11253): some lines of aliases that stand for gigabytes.
TEST_F(ConfigFile, AliasesThatMultiplyAreRefused) {
  std::string settings = "{a0: &a0 [x, x, x, x, x, x, x, x, x, x]";
  for (int i = 1; i < 12; ++i) {
    const auto name = "a" + std::to_string(i), last = "*a" + std::to_string(i - 1);
    settings += ", " + name + ": &" + name + " [" + last;
    for (int n = 0; n < 9; ++n) settings += ", " + last;
    settings += "]";
  }
  EXPECT_THAT(refusal(settings + "}"), HasSubstr("more than 10000 values"));
}

TEST_F(ConfigFile, AnAliasThatContainsItselfIsRefused) {
  EXPECT_THAT(refusal("&a {x: *a}"), HasSubstr("deeper than 32 levels"));
}

TEST_F(ConfigFile, AKeyThatIsAListIsRefused) { EXPECT_THAT(refusal("{[a]: b}"), HasSubstr("not plain text")); }

// CWE-150: a file from elsewhere must not drive the terminal of whoever checks it.
TEST_F(ConfigFile, BytesForTheTerminalDoNotReachTheMessage) {
  EXPECT_EQ(refusal("{a: \"\\\x1b[2J\"}").find('\x1b'), std::string::npos);
}
}  // namespace
}  // namespace vbs::test
