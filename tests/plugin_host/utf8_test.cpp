#include "core/base/utf8.hpp"

#include <gtest/gtest.h>

namespace vbs {
namespace {
TEST(Utf8, takes_well_formed_text) {
  for (const char* s : {"", "plain", "é", "€", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"}) EXPECT_TRUE(is_utf8(s)) << s;
}
TEST(Utf8, refuses_overlong_forms_surrogates_and_fragments) {
  for (const char* s : {"\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80",
                        "\xc3", "\xe2\x82", "\xff"})
    EXPECT_FALSE(is_utf8(s));
}
TEST(Utf8, replaces_what_is_not_text) { EXPECT_EQ(to_utf8("a\xff\xc3\xa9\xe2\x82"), "a?é??"); }
}  // namespace
}  // namespace vbs
