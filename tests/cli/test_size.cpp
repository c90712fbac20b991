#include <gtest/gtest.h>

#include "apps/vbs/failure.hpp"
#include "apps/vbs/size.hpp"

namespace vbs::cli {
namespace {

TEST(Size, IsAWholeNumberWithABinaryUnit) {
  EXPECT_EQ(parse_size("1MiB"), 1048576u);
  EXPECT_EQ(parse_size("500MiB"), 524288000u);
  EXPECT_EQ(parse_size("1GiB"), 1073741824u);
  EXPECT_EQ(parse_size("1TiB"), 1099511627776u);
  EXPECT_EQ(parse_size("10G"), parse_size("10GiB"));
  EXPECT_EQ(parse_size("64TiB"), kMaxVolumeBytes);
}

TEST(Size, WhatIsAmbiguousOrOutOfRangeIsRefusedWithAnExample) {
  for (const char* bad :
       {"", "10", "10GB", "1.5GiB", "1,5GiB", "-1GiB", "+1GiB", " 1GiB", "1 GiB", "1gib", "GiB", "1KiB", "0GiB",
        "65TiB", "18446744073709551615TiB", "99999999999999999999GiB", "0x10GiB", "1GiBx"}) {
    try {
      const auto bytes = parse_size(bad);
      ADD_FAILURE() << "'" << bad << "' was taken as " << bytes;
    } catch (const Failure& f) {
      EXPECT_EQ(f.exit, Exit::usage) << bad;
      EXPECT_NE(f.hint.find("10GiB"), std::string::npos) << bad;
    }
  }
}

TEST(Size, IsShownInTheLargestUnitWithOneDecimal) {
  EXPECT_EQ(format_size(0), "0 B");
  EXPECT_EQ(format_size(1023), "1023 B");
  EXPECT_EQ(format_size(1048576), "1 MiB");
  EXPECT_EQ(format_size(1610612736), "1.5 GiB");
  EXPECT_EQ(format_size(10ull << 30), "10 GiB");
  EXPECT_EQ(format_size((1ull << 40) - 1), "1023.9 GiB");
  EXPECT_EQ(format_size(UINT64_MAX), "16383.9 PiB");
}
}  // namespace
}  // namespace vbs::cli
