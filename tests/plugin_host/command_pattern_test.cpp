// Command patterns: parameters stay inside their argument, whatever they contain.
#include "core/plugin_host/command_pattern.hpp"

#include <gmock/gmock.h>

#include "core/base/error.hpp"

namespace vbs {
namespace {
using testing::ElementsAre;
using testing::HasSubstr;

CommandPattern pattern(std::vector<std::string> argv, std::vector<CommandParam> params) {
  CommandPattern p;
  p.argv = std::move(argv);
  p.params = std::move(params);
  return p;
}
std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::invalid);
    return e.what();
  }
  return "";
}

TEST(CommandPattern, puts_values_into_their_arguments) {
  const auto p = pattern({"qemu-img", "create", "-o", "size={size},x={{y}}", "--", "{path}"}, {{"size"}, {"path"}});
  check_pattern(p, "test");
  EXPECT_THAT(expand(p, {{"size", "1"}, {"path", "/a b"}}).argv,
              ElementsAre("qemu-img", "create", "-o", "size=1,x={y}", "--", "/a b"));
}

TEST(CommandPattern, does_not_look_into_values) {
  const auto p = pattern({"echo", "--", "{a}", "{b}"}, {{"a"}, {"b"}});
  EXPECT_THAT(expand(p, {{"a", "{b}"}, {"b", "x; $(reboot)\n'\""}}).argv,
              ElementsAre("echo", "--", "{b}", "x; $(reboot)\n'\""));
}

TEST(CommandPattern, refuses_a_value_that_could_be_taken_for_an_option) {
  EXPECT_THAT(error_of([] {
                expand(pattern({"rm", "{f}"}, {{"f"}}), {{"f", "-rf"}});
              }),
              HasSubstr("put '--' before it"));
  EXPECT_THAT(error_of([] {
                expand(pattern({"rm", "{e}{f}"}, {{"e"}, {"f"}}), {{"e", ""}, {"f", "-rf"}});
              }),
              HasSubstr("'f'"));
  EXPECT_EQ(error_of([] { expand(pattern({"rm", "--", "{f}"}, {{"f"}}), {{"f", "-rf"}}); }), "");
  EXPECT_EQ(error_of([] { expand(pattern({"rm", "./{f}"}, {{"f"}}), {{"f", "-rf"}}); }), "");
  EXPECT_EQ(error_of([] { expand(pattern({"lfs", "-c", "{n}"}, {{"n", false, true}}), {{"n", "-1"}}); }), "");
}

TEST(CommandPattern, refuses_missing_unknown_and_nul_values) {
  const auto p = pattern({"a", "{x}"}, {{"x"}});
  EXPECT_THAT(error_of([&] { expand(p, {}); }), HasSubstr("no value was given for the parameter 'x'"));
  EXPECT_THAT(error_of([&] { expand(p, {{"x", "1"}, {"y", "2"}}); }), HasSubstr("'y' is not a parameter"));
  EXPECT_THAT(error_of([&] { expand(p, {{"x", std::string("a\0b", 3)}}); }), HasSubstr("NUL byte"));
}

TEST(CommandPattern, leaves_optional_parameters_out) {
  const auto p = pattern({"a", "{x}"}, {{"x"}, {"hint", false, false, true}});
  check_pattern(p, "test");
  EXPECT_THAT(expand(p, {{"x", "1"}}).argv, ElementsAre("a", "1"));
  EXPECT_THAT(expand(p, {{"x", "1"}, {"hint", "2"}}).argv, ElementsAre("a", "1"));
}

TEST(CommandPattern, refuses_unbalanced_braces_and_a_program_with_parameters) {
  for (const char* bad : {"{", "}", "{}", "{X}", "{a", "a}", "{a b}", "{a{b}}"})
    EXPECT_NE(error_of([&] { check_pattern(pattern({"p", bad}, {{"a"}}), "test"); }), "") << bad;
  EXPECT_THAT(error_of([] { check_pattern(pattern({"{a}"}, {{"a"}}), "test"); }),
              HasSubstr("must not contain a parameter"));
}

TEST(CommandPattern, shows_neither_secrets_nor_control_characters) {
  const auto p = pattern({"t", "--pw={pw}", "--", "{x}"}, {{"pw", true}, {"x"}});
  const auto e = expand(p, {{"pw", "hunter22"}, {"x", "a\nb c"}});
  EXPECT_EQ(e.shown, "t --pw=*** -- 'a\\x0ab c'");
  EXPECT_EQ(redact("it was hunter22hunter22.", e.secrets), "it was ******.");
  EXPECT_TRUE(is_secret_name("chap_password"));
  EXPECT_FALSE(is_secret_name("path"));
}
}  // namespace
}  // namespace vbs
