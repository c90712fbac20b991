#include "core/delegates/server/call_table.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "core/base/error.hpp"

namespace vbs {
namespace {
using Clock = CallRecord::Clock;
using std::chrono::milliseconds;

TEST(CallTable, never_begins_a_call_that_was_asked_for_in_vain) {
  CallTable calls;
  EXPECT_EQ(calls.find_or_forbid("late"), nullptr);
  EXPECT_THROW(calls.begin("late", "op"), Error);
}

TEST(CallTable, hands_out_the_result_again_after_the_end) {
  CallTable calls;
  calls.begin("a", "op")->finish({});
  const auto record = calls.find_or_forbid("a");
  ASSERT_TRUE(record);
  CallRecord::Place place;
  const auto event = record->next(place, Clock::now());
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->has_result());
  EXPECT_EQ(calls.running(), 0u);
}

TEST(CallTable, tells_an_earlier_call_of_the_operation_to_end_and_waits_for_it) {
  CallTable calls;
  const auto earlier = calls.begin("a", "op"), later = calls.begin("b", "op");
  EXPECT_THROW(calls.wait_for_others(*later, Clock::now() + milliseconds(20)), Error);
  EXPECT_TRUE(earlier->cancel()->is_set());
  std::thread ends([&] { earlier->finish({}); });
  EXPECT_NO_THROW(calls.wait_for_others(*later, Clock::now() + milliseconds(5000)));
  ends.join();
  EXPECT_FALSE(later->cancel()->is_set());
}

TEST(CallTable, lets_questions_and_other_operations_alone) {
  CallTable calls;
  const auto other = calls.begin("a", "other"), question = calls.begin("q", ""), mine = calls.begin("b", "op");
  EXPECT_NO_THROW(calls.wait_for_others(*mine, Clock::now()));
  EXPECT_NO_THROW(calls.wait_for_others(*question, Clock::now()));
  EXPECT_FALSE(other->cancel()->is_set());
}

TEST(CallRecord, keeps_every_line_in_order_and_the_last_progress) {
  CallRecord record("op", 1);
  record.log(2, "one");
  record.progress(1, 10);
  record.progress(5, 10);
  record.log(2, "two");
  record.finish({});
  CallRecord::Place place;
  const auto next = [&] { return *record.next(place, Clock::now()); };
  EXPECT_EQ(next().log().text(), "one");
  EXPECT_EQ(next().log().text(), "two");
  EXPECT_EQ(next().progress().done(), 5u);
  EXPECT_TRUE(next().has_result());
}
}  // namespace
}  // namespace vbs
