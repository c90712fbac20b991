#include "core/delegates/server/epochs.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/base/error.hpp"
#include "tests/support/temporary_directory.hpp"

namespace vbs::test {
namespace {
TEST(Epochs, refuse_an_attempt_older_than_the_highest_seen) {
  TemporaryDirectory dir;
  Epochs epochs(dir / "epochs");
  epochs.admit("op", 1);
  epochs.admit("op", 3);
  epochs.admit("op", 3);
  EXPECT_THROW(epochs.admit("op", 2), Error);
  epochs.admit("other", 1);
}

TEST(Epochs, outlive_the_process) {
  TemporaryDirectory dir;
  Epochs(dir / "epochs").admit("op", 7);
  Epochs again(dir / "epochs");
  EXPECT_THROW(again.admit("op", 6), Error);
  again.admit("op", 7);
}

TEST(Epochs, write_nothing_down_for_a_first_attempt) {
  TemporaryDirectory dir;
  Epochs(dir / "epochs").admit("op", 1);
  EXPECT_EQ(std::filesystem::file_size(dir / "epochs"), 0u);
}

TEST(Epochs, forget_a_line_that_a_power_cut_has_torn_and_what_is_older_than_a_month) {
  TemporaryDirectory dir;
  std::ofstream(dir / "epochs") << "old 9 1000\nkept 5 99999999999999999\ntorn 8 999999";
  Epochs epochs(dir / "epochs");
  epochs.admit("old", 1);
  epochs.admit("torn", 1);
  EXPECT_THROW(epochs.admit("kept", 4), Error);
}

TEST(Epochs, take_no_name_that_would_forge_a_line) {
  TemporaryDirectory dir;
  Epochs epochs(dir / "epochs");
  EXPECT_THROW(epochs.admit("a 9 9\nb", 2), Error);
}
}  // namespace
}  // namespace vbs::test
