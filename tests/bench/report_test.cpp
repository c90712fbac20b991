#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "bench/report.hpp"
#include "bench/statistics.hpp"

namespace vbs::test {
namespace {
using namespace vbs::bench;

TEST(Percentile, IsTheNearestRank) {
  EXPECT_EQ(percentile({5, 1, 4, 2, 3}, 50), 3);
  EXPECT_EQ(percentile({1, 2, 3, 4}, 50), 2);
  EXPECT_EQ(percentile({1, 2, 3, 4}, 99), 4);
  EXPECT_EQ(percentile({7}, 1), 7);
}

TEST(Percentile, OfNothingIsZero) { EXPECT_EQ(percentile({}, 50), 0); }

TEST(Report, CountsAGoalAsMetAtItsValueAndMissedBeyond) {
  Report r;
  r.add({"g", "rate", "/s", 1000, "", Goal{Goal::Bound::at_least, 1000}});
  r.add({"g", "ratio", "x", 1.5, "", Goal{Goal::Bound::at_most, 1.5}});
  r.add({"g", "no goal", "ms", 1e9, "", std::nullopt});
  EXPECT_EQ(r.missed(), 0u);
  r.add({"g", "rate", "/s", 999.9, "", Goal{Goal::Bound::at_least, 1000}});
  r.add({"g", "ratio", "x", 1.51, "", Goal{Goal::Bound::at_most, 1.5}});
  EXPECT_EQ(r.missed(), 2u);
}

TEST(Report, WritesEachFigureWithItsGoal) {
  const auto path = testing::TempDir() + "/vbs-bench-report.json";
  Report r;
  r.add({"group", "name", "/s", 12.5, "a \"note\"", Goal{Goal::Bound::at_least, 10}});
  r.write_json(path);
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  std::remove(path.c_str());
  rapidjson::Document d;
  ASSERT_FALSE(d.Parse(text.str().c_str()).HasParseError()) << text.str();
  ASSERT_EQ(d["figures"].Size(), 1u);
  const auto& f = d["figures"][0];
  EXPECT_STREQ(f["name"].GetString(), "name");
  EXPECT_EQ(f["value"].GetDouble(), 12.5);
  EXPECT_STREQ(f["note"].GetString(), "a \"note\"");
  EXPECT_TRUE(f["met"].GetBool());
}

TEST(Report, SaysWhichFileItCouldNotWrite) {
  try {
    Report().write_json("/nonexistent/figures.json");
    FAIL() << "it was written";
  } catch (const std::runtime_error& e) {
    EXPECT_NE(std::string(e.what()).find("/nonexistent/figures.json"), std::string::npos);
  }
}
}  // namespace
}  // namespace vbs::test
