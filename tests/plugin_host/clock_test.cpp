#include "core/base/clock.hpp"

#include <gtest/gtest.h>

namespace vbs::test {
namespace {
TEST(Clock, WhatItWritesItReads) {
  for (const int64_t us : {int64_t{0}, int64_t{1}, int64_t{951782399999999}, int64_t{1795255200123456}, now_us()})
    EXPECT_EQ(parse_rfc3339(rfc3339(us)), us);
}

TEST(Clock, ReadsNoOtherForm) {
  for (const char* text :
       {"", "2026-11-21", "2026-11-21T10:00:00Z", "2026-11-21T10:00:00.123456+0", "2026-13-21T10:00:00.123456Z",
        "2026-02-30T10:00:00.123456Z", "2026-11-21T24:00:00.123456Z", "2026-11-21T10:00:00.12345xZ"})
    EXPECT_FALSE(parse_rfc3339(text)) << text;
}
}  // namespace
}  // namespace vbs::test
