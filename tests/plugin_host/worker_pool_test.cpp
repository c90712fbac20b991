#include "core/base/worker_pool.hpp"

#include <gmock/gmock.h>
#include <signal.h>

#include <atomic>
#include <future>
#include <latch>
#include <mutex>
#include <thread>

#include "core/base/error.hpp"

namespace vbs {
namespace {
TEST(WorkerPool, runs_every_task_before_it_stops) {
  std::atomic<int> done{0};
  WorkerPool pool("test", 4, 1000);
  for (int i = 0; i < 500; ++i) pool.submit([&] { ++done; });
  pool.stop();
  EXPECT_EQ(done, 500);
  EXPECT_FALSE(pool.try_submit([] {}));
  pool.stop();
}

TEST(WorkerPool, runs_appended_work_on_the_same_thread_after_the_task) {
  std::vector<std::pair<std::string, std::thread::id>> ran;
  const auto note = [&](const char* what) { ran.emplace_back(what, std::this_thread::get_id()); };
  bool taken = false, taken_twice = true;
  {
    WorkerPool pool("test", 1, 8);
    pool.submit([&] {
      WorkerPool::Task first = [&] { note("appended"); }, second = [&] { note("never"); };
      taken = WorkerPool::try_append(first);
      taken_twice = WorkerPool::try_append(second);
      note("task");
    });
  }
  EXPECT_TRUE(taken);
  EXPECT_FALSE(taken_twice);  // one at a time: the others are better spread over other threads
  ASSERT_EQ(ran.size(), 2u);
  EXPECT_EQ(ran[0].first, "task");
  EXPECT_EQ(ran[1].first, "appended");
  EXPECT_EQ(ran[0].second, ran[1].second);
}

TEST(WorkerPool, takes_no_appended_work_from_a_thread_of_somebody_else) {
  WorkerPool::Task task = [] {};
  EXPECT_FALSE(WorkerPool::try_append(task));
  EXPECT_TRUE(task);
}

TEST(WorkerPool, may_be_stopped_twice_with_idle_threads) {
  WorkerPool pool("test", 4, 8);
  std::latch started(4);
  for (int i = 0; i < 4; ++i) pool.submit([&] { started.arrive_and_wait(); });
  started.wait();
  pool.stop();
  pool.stop();
  EXPECT_FALSE(pool.try_submit([] {}));
  EXPECT_EQ(pool.running(), 0u);
}

TEST(WorkerPool, gives_work_to_the_thread_that_became_idle_last) {
  WorkerPool pool("test", 4, 8);
  std::latch started(4);
  std::mutex mutex;
  std::thread::id last;
  const auto note = [&] {
    const std::lock_guard lock(mutex);
    last = std::this_thread::get_id();
  };
  for (int i = 0; i < 4; ++i)
    pool.submit([&] {
      started.arrive_and_wait();
      note();
    });
  const auto all_idle = [&] {
    while (pool.running() > 0) std::this_thread::yield();
  };
  all_idle();
  pool.submit(note);
  all_idle();
  const auto first = last;
  for (int i = 0; i < 20; ++i) {
    pool.submit(note);
    all_idle();
    EXPECT_EQ(last, first);
  }
}

TEST(WorkerPool, refuses_work_beyond_its_threads_and_queue) {
  std::promise<void> release;
  auto released = release.get_future().share();
  WorkerPool pool("backend-x", 2, 3);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(pool.try_submit([released] { released.wait(); })) << i;
  EXPECT_FALSE(pool.try_submit([] {}));
  try {
    pool.submit([] {});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::busy);
    EXPECT_THAT(e.what(), testing::HasSubstr("'backend-x': 2 threads are busy and 3 tasks wait"));
  }
  release.set_value();
}

TEST(WorkerPool, uses_its_threads_in_parallel) {
  WorkerPool pool("test", 3, 0);
  std::atomic<int> inside{0};
  std::promise<void> all;
  auto together = all.get_future().share();
  for (int i = 0; i < 3; ++i)
    pool.submit([&, together] {
      if (++inside == 3) all.set_value();
      together.wait();
    });
  EXPECT_EQ(together.wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST(WorkerPool, survives_a_task_that_throws) {
  WorkerPool pool("test", 1, 10);
  std::promise<void> after;
  pool.submit([] { throw std::runtime_error("expected by the test"); });
  pool.submit([] { throw 42; });
  pool.submit([&] { after.set_value(); });
  EXPECT_EQ(after.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST(WorkerPool, lets_tasks_submit_tasks) {
  WorkerPool pool("test", 1, 10);
  std::promise<void> inner;
  pool.submit([&] { pool.submit([&] { inner.set_value(); }); });
  EXPECT_EQ(inner.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST(WorkerPool, keeps_signals_away_from_its_threads) {
  WorkerPool pool("test", 1, 1);
  std::promise<bool> blocked;
  pool.submit([&] {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    blocked.set_value(sigismember(&mask, SIGTERM) == 1);
  });
  EXPECT_TRUE(blocked.get_future().get());
}
}  // namespace
}  // namespace vbs
