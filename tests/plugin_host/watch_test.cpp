#include "core/base/watch.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "core/base/error.hpp"

namespace vbs {
namespace {
// Tasks that do not come back until they are let go.
class Watched : public testing::Test {
 protected:
  ~Watched() override { let_go(); }
  std::shared_ptr<Watch> hang(WorkerPool& pool) {
    auto watch = std::make_shared<Watch>(pool);
    std::promise<void> inside;
    auto begun = inside.get_future();
    pool.submit([this, watch, &inside] {
      watch->begin();
      inside.set_value();
      released_.wait();
      if (watch->end()) ++in_time_;
    });
    begun.wait();
    return watch;
  }
  void let_go() {
    if (!gone_) release_.set_value();
    gone_ = true;
  }
  static void expect_parallel(WorkerPool& pool, int n) {
    std::atomic<int> inside{0};
    std::promise<void> all;
    auto together = all.get_future().share();
    for (int i = 0; i < n; ++i)
      pool.submit([&, together] {
        if (++inside == n) all.set_value();
        together.wait();
      });
    EXPECT_EQ(together.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  }
  static void until_idle(WorkerPool& pool) {
    while (pool.running() > 0) std::this_thread::yield();
  }
  std::promise<void> release_;
  std::shared_future<void> released_ = release_.get_future().share();
  std::atomic<int> in_time_{0};
  bool gone_ = false;
};

TEST_F(Watched, a_task_that_ends_in_time_cannot_be_given_up) {
  WorkerPool pool("test", 1, 1);
  const auto watch = hang(pool);
  let_go();
  until_idle(pool);
  EXPECT_FALSE(watch->give_up());
  EXPECT_EQ(in_time_, 1);
  EXPECT_EQ(pool.lost(), 0u);
}

TEST_F(Watched, a_lost_thread_is_replaced_and_what_waited_goes_on) {
  WorkerPool pool("test", 1, 10);
  const auto watch = hang(pool);
  std::promise<void> ran;
  pool.submit([&] { ran.set_value(); });
  auto next = ran.get_future();
  EXPECT_EQ(next.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  EXPECT_TRUE(watch->give_up());
  EXPECT_EQ(next.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_TRUE(watch->hangs());
  EXPECT_EQ(pool.lost(), 1u);
  let_go();
  pool.stop();
  EXPECT_EQ(in_time_, 0) << "nobody waits for its outcome any more";
  EXPECT_EQ(pool.lost(), 0u);
}

TEST_F(Watched, a_pool_keeps_its_width_when_as_many_as_it_has_are_lost) {
  WorkerPool pool("test", 3, 10);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(hang(pool)->give_up());
  expect_parallel(pool, 3);
  let_go();  // before the pool waits for its threads
}

TEST_F(Watched, a_pool_takes_no_more_work_when_its_replacements_are_lost_too) {
  WorkerPool pool("backend-x", 2, 10);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(hang(pool)->give_up());
  try {
    pool.submit([] {});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::busy);
    EXPECT_THAT(e.what(), testing::HasSubstr("'backend-x' does not answer: 4 calls have not returned"));
  }
  let_go();
  while (pool.lost() > 0) std::this_thread::yield();
  expect_parallel(pool, 2);
}

TEST_F(Watched, threads_that_come_back_do_not_make_a_pool_wider) {
  WorkerPool pool("test", 2, 100);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(hang(pool)->give_up());
  expect_parallel(pool, 2);
  let_go();
  while (pool.lost() > 0) std::this_thread::yield();
  std::atomic<int> inside{0}, most{0};
  for (int i = 0; i < 50; ++i)
    pool.submit([&] {
      const int now = ++inside;
      for (int m = most; now > m && !most.compare_exchange_weak(m, now);) {
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      --inside;
    });
  pool.stop();
  EXPECT_LE(most, 2);
}

TEST_F(Watched, a_task_given_up_in_the_queue_does_not_run) {
  WorkerPool pool("test", 1, 10);
  const auto first = hang(pool);
  auto second = std::make_shared<Watch>(pool);
  std::atomic<bool> ran{false};
  pool.submit([&, second] { ran = second->begin(); });
  EXPECT_TRUE(second->give_up());
  EXPECT_EQ(pool.lost(), 0u);
  let_go();
  pool.stop();
  EXPECT_FALSE(ran);
}
}  // namespace
}  // namespace vbs
