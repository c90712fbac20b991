#include <gtest/gtest.h>

#include <sstream>

#include "apps/vbs/progress.hpp"
#include "apps/vbs/table.hpp"
#include "apps/vbs/views.hpp"
#include "core/base/json.hpp"

namespace vbs::cli {
namespace {

std::string state(const std::string& attachments, const std::string& more = {}) {
  return volume_state(parse_json(R"({"state":"available","attachments":)" + attachments + more + "}"));
}

TEST(Table, AlignsColumnsByCharactersNotBytes) {
  Table table({"NAME", "SIZE"});
  table.add({"J\xc3\xbcrgen", "1 GiB"});
  table.add({"", "10 GiB"});
  std::ostringstream out;
  table.print(out);
  EXPECT_EQ(out.str(), "NAME    SIZE\nJ\xc3\xbcrgen  1 GiB\n-       10 GiB\n");
}

TEST(Table, AForeignNameCannotDriveTheTerminal) {
  Table table({"NAME"});
  table.add({"\x1b[2Jevil\n"});
  std::ostringstream out;
  table.print(out);
  EXPECT_EQ(out.str(), "NAME\n\\x1b[2Jevil\\x0a\n");
}

TEST(ShortIds, GrowUntilTheyDiffer) {
  EXPECT_EQ(short_ids({"3f2a0000-0000-4000-8000-000000000001"}), (std::vector<std::string>{"3f2a0000"}));
  EXPECT_EQ(short_ids({"3f2a0000-1000", "3f2a0000-2000", "3f2a0000-2000"}),
            (std::vector<std::string>{"3f2a0000-1", "3f2a0000-2", "3f2a0000-2"}));
}

TEST(VolumeState, SaysHowAVolumeIsUsed) {
  EXPECT_EQ(state("[]"), "available");
  EXPECT_EQ(state(R"([{"mode":"rw"}])"), "in-use (rw)");
  EXPECT_EQ(state(R"([{"mode":"ro"},{"mode":"ro"}])"), "in-use (2 ro)");
  EXPECT_EQ(state(R"([{"mode":"rw"},{"mode":"rw"}])"), "in-use (2 rw)");
  EXPECT_EQ(state(R"([{"mode":"rw"},{"mode":"ro"}])"), "in-use (rw, 1 ro)");
}

TEST(VolumeState, SaysWhatIsUnderWay) {
  EXPECT_EQ(
      state("[]",
            R"(,"operation":{"kind":"extend-volume","state":"running","progress":{"done_bytes":2,"total_bytes":5}})"),
      "available; extend-volume 40%");
  EXPECT_EQ(state("[]", R"(,"operation":{"kind":"delete-volume","state":"waiting"})"),
            "available; delete-volume waits");
}

TEST(ProgressBar, ShowsShareAndBytes) {
  EXPECT_EQ(progress_bar(0, 0), "");
  EXPECT_EQ(progress_bar(1048576, 0), "1 MiB");
  EXPECT_EQ(progress_bar(1048576, 2097152), "[###############               ]  50%  1 MiB of 2 MiB");
  EXPECT_EQ(progress_bar(3, 2), "[##############################] 100%  3 B of 2 B");
}

TEST(Progress, OnAPipeOnlyAReasonToWaitIsWrittenAndOnlyOnce) {
  std::ostringstream err;
  Progress progress(err, false);
  const auto running = parse_json(R"({"kind":"k","state":"running"})");
  const auto waiting = parse_json(R"({"kind":"k","state":"waiting","waits_for":"node1 does not answer"})");
  progress.show(running);
  progress.show(waiting);
  progress.show(waiting);
  EXPECT_EQ(err.str(), "vbs: k waits: node1 does not answer\n");
}
}  // namespace
}  // namespace vbs::cli
