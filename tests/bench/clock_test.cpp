// rfc3339() is written by hand for speed; here it meets the C library.
#include <gtest/gtest.h>

#include <cstdio>
#include <ctime>
#include <random>

#include "core/base/clock.hpp"

namespace vbs::test {
namespace {
constexpr int64_t kSecond = 1000000;
constexpr int64_t kLast = 253402300800 * kSecond - 1;  // 9999-12-31T23:59:59.999999Z

std::string by_c_library(int64_t us) {
  const time_t s = us / kSecond;
  tm t{};
  gmtime_r(&s, &t);
  char out[64];
  std::snprintf(out, sizeof out, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday,
                t.tm_hour, t.tm_min, t.tm_sec, static_cast<int>(us % kSecond));
  return out;
}

TEST(Clock, FormatsAnyTimeUpToTheYear9999AsTheCLibraryDoes) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    const auto us = std::uniform_int_distribution<int64_t>(0, kLast)(random);
    ASSERT_EQ(rfc3339(us), by_c_library(us)) << us;
  }
}

TEST(Clock, KnowsTheEdgesOfDaysAndLeapYears) {
  EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(rfc3339(951868800 * kSecond - 1), "2000-02-29T23:59:59.999999Z");
  EXPECT_EQ(rfc3339(4107542400 * kSecond), "2100-03-01T00:00:00.000000Z");
  EXPECT_EQ(rfc3339(kLast), "9999-12-31T23:59:59.999999Z");
}

TEST(Clock, KeepsItsShapeForTimesThatNobodyHas) {
  EXPECT_EQ(rfc3339(-1), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(rfc3339(kLast + 1).size(), rfc3339(0).size());
}
}  // namespace
}  // namespace vbs::test
