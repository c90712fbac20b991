#include "core/base/timer.hpp"

#include <gtest/gtest.h>

#include <future>

namespace vbs {
namespace {
using std::chrono::milliseconds;
constexpr milliseconds kLong{3600000};

TEST(Timer, runs_a_callback_that_is_due_before_the_one_it_sleeps_for) {
  Timer timer;
  timer.after(kLong, [] {});
  std::promise<void> ran;
  timer.after(milliseconds(20), [&] { ran.set_value(); });
  EXPECT_EQ(ran.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST(Timer, runs_what_is_due_after_a_cancelled_callback_for_which_it_still_sleeps) {
  Timer timer;
  const auto cancelled = timer.after(milliseconds(50), [] { FAIL() << "this was cancelled"; });
  EXPECT_TRUE(timer.cancel(cancelled));
  std::promise<void> ran;
  timer.after(milliseconds(100), [&] { ran.set_value(); });
  EXPECT_EQ(ran.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_FALSE(timer.cancel(cancelled));
}

TEST(Timer, runs_what_was_added_by_a_callback) {
  Timer timer;
  std::promise<void> ran;
  timer.after(milliseconds(0), [&] { timer.after(milliseconds(0), [&] { ran.set_value(); }); });
  EXPECT_EQ(ran.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}
}  // namespace
}  // namespace vbs
