// SPDX-License-Identifier: MIT
#include "plugins/storage_lustre/names.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace vbs::lustre {
namespace {
const std::string kA = "5e570000-0000-4000-8000-00000000000a", kB = "5e570000-0000-4000-8000-00000000000b";

TEST(Names, ReadBackAsTheyWereWritten) {
  for (const auto& name :
       {image_name(kA, 1, FileName::Type::raw), image_name(kA, 18446744073709551615u, FileName::Type::qcow2),
        overlay_name(kA, kB, 3), sidecar_name(kA, 2, 7)}) {
    const auto parsed = parse_name(name);
    ASSERT_TRUE(parsed) << name;
    EXPECT_EQ(parsed->text(), name);
    EXPECT_EQ(parsed->owner, kA);
    EXPECT_LE(name.size(), 100u);
  }
  EXPECT_EQ(parse_name(overlay_name(kA, kB, 3))->by, kB);
  EXPECT_EQ(parse_name(kA + "." + kB + ".3.raw")->by, kB);
  EXPECT_EQ(parse_name(sidecar_name(kA, 2, 7))->generation, 2u);
}

TEST(Names, HaveOneSpellingOnly) {
  const std::vector<std::string> wrong{"",
                                       ".",
                                       "..",
                                       kA,
                                       kA + ".raw",
                                       kA + "..raw",
                                       kA + ".01.raw",
                                       kA + ".-1.raw",
                                       kA + ".+1.raw",
                                       kA + ". 1.raw",
                                       kA + ".1.raw ",
                                       kA + ".1.RAW",
                                       kA + ".1.json",
                                       kA + ".1.2.raw",
                                       kA + ".1.2.3.json",
                                       kA + ".99999999999999999999.raw",
                                       kA + "." + kB + ".1.1.json",
                                       kA + "." + kB + "." + kB + ".1.qcow2",
                                       "../" + kA + ".1.raw",
                                       kA + "/1.raw"};
  for (const auto& name : wrong) EXPECT_FALSE(parse_name(name)) << name;
  EXPECT_FALSE(parse_name(std::string_view("\0", 1)));
  EXPECT_FALSE(parse_name(kA + ".1.raw" + std::string(1, '\0')));
}

TEST(Names, TellTheFormat) {
  EXPECT_EQ(format_of(image_name(kA, 1, FileName::Type::raw)), "raw");
  EXPECT_EQ(format_of(overlay_name(kA, kB, 1)), "qcow2");
}

}  // namespace
}  // namespace vbs::lustre
