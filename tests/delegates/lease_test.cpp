#include "core/delegates/server/lease.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "core/base/error.hpp"

namespace vbs {
namespace {
using std::chrono::milliseconds;

TEST(Lease, lets_its_holder_work_for_two_thirds_of_the_time) {
  Lease lease;
  EXPECT_THROW(lease.check("a"), Error);
  EXPECT_FALSE(lease.take("a", milliseconds(300)));
  lease.check("a");
  std::this_thread::sleep_for(milliseconds(210));
  EXPECT_THROW(lease.check("a"), Error);
}

TEST(Lease, runs_out_once_and_must_then_be_taken_again) {
  Lease lease;
  lease.take("a", milliseconds(30));
  std::this_thread::sleep_for(milliseconds(40));
  EXPECT_FALSE(lease.renew("a", milliseconds(1000)));
  EXPECT_TRUE(lease.ran_out());
  EXPECT_FALSE(lease.ran_out());
  EXPECT_FALSE(lease.renew("a", milliseconds(1000)));
  lease.take("a", milliseconds(1000));
  lease.check("a");
}

TEST(Lease, goes_to_another_run_of_vbsd_at_once) {
  Lease lease;
  lease.take("a", milliseconds(1000));
  EXPECT_TRUE(lease.take("b", milliseconds(1000)));
  EXPECT_THROW(lease.check("a"), Error);
  EXPECT_FALSE(lease.renew("a", milliseconds(1000)));
  EXPECT_TRUE(lease.renew("b", milliseconds(1000)));
}
}  // namespace
}  // namespace vbs
