#include "core/base/worker_pool.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

#include "core/base/error.hpp"
#include "core/base/log.hpp"

namespace vbs {
namespace {
thread_local WorkerPool::Task* appended = nullptr;  // on a pool's thread: what it does after its task
}

WorkerPool::WorkerPool(std::string name, size_t threads, size_t max_queue)
    : name_(std::move(name)), max_threads_(std::max<size_t>(threads, 1)), max_queue_(max_queue) {}

WorkerPool::~WorkerPool() { stop(); }

bool WorkerPool::start_thread(Task& task) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // inherited by the new thread
  bool started = true;
  try {
    auto& worker = workers_.emplace_back();
    threads_.emplace_back([this, &worker, first = task]() mutable { work(worker, std::move(first)); });
    ++running_;
  } catch (const std::system_error& e) {
    logger().error("pool {}: cannot start a thread: {}; raise the service's limit on tasks", name_, e.what());
    started = false;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

bool WorkerPool::try_submit(Task task) {
  Worker* to_wake = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    if (!hand_out(task, to_wake)) {
      if (threads_.empty() || lost_ >= may_run() || queue_.size() >= max_queue_) return false;
      queue_.push_back(std::move(task));
    }
  }
  if (to_wake) to_wake->wake.release();
  return true;
}

size_t WorkerPool::may_run() const { return max_threads_ + std::min(lost_, max_threads_); }

bool WorkerPool::hand_out(Task& task, Worker*& to_wake) {
  if (running_ >= may_run()) return false;
  if (idle_.empty()) return start_thread(task);
  to_wake = idle_.back();
  idle_.pop_back();
  to_wake->task = std::move(task);
  ++running_;
  return true;
}

void WorkerPool::thread_lost() {
  Worker* to_wake = nullptr;
  {
    const std::lock_guard lock(mutex_);
    ++lost_;
    if (!stopping_ && !queue_.empty() && hand_out(queue_.front(), to_wake)) queue_.pop_front();
  }
  if (to_wake) to_wake->wake.release();
}

void WorkerPool::thread_came_back() {
  const std::lock_guard lock(mutex_);
  --lost_;
}

size_t WorkerPool::lost() const {
  const std::lock_guard lock(mutex_);
  return lost_;
}

void WorkerPool::submit(Task task) {
  if (try_submit(std::move(task))) return;
  throw Error(
      Code::busy,
      lost() == 0
          ? fmt::format("too much work for '{}': {} threads are busy and {} tasks wait, which is the limit; try again",
                        name_, max_threads_, max_queue_)
          : fmt::format("'{}' does not answer: {} calls have not returned; look after it", name_, lost()));
}

void WorkerPool::stop() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
    for (auto* idle : idle_) idle->wake.release();
    idle_.clear();  // they are about to go
  }
  for (auto& t : threads) t.join();
}

size_t WorkerPool::queued() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

size_t WorkerPool::running() const {
  const std::lock_guard lock(mutex_);
  return running_;
}

bool WorkerPool::next(Worker& self, Task& task) {
  {
    const std::lock_guard lock(mutex_);
    if (!queue_.empty() && running_ <= may_run()) {  // a thread that was replaced rests when it comes back
      task = std::move(queue_.front());
      queue_.pop_front();
      return true;
    }
    --running_;
    if (stopping_) return false;
    idle_.push_back(&self);
  }
  self.wake.acquire();
  task = std::exchange(self.task, nullptr);
  return static_cast<bool>(task);
}

bool WorkerPool::try_append(Task& task) {
  if (!appended || *appended) return false;
  *appended = std::move(task);
  return true;
}

void WorkerPool::run(Task& task) {
  try {
    task();
  } catch (const std::exception& e) {
    logger().error("pool {}: a task failed: {}", name_, for_log(e.what()));
  } catch (...) {
    logger().error("pool {}: a task failed with an exception of an unknown type", name_);
  }
  task = nullptr;  // what it holds is released outside the lock
}

void WorkerPool::work(Worker& self, Task task) {
  pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
  Task after;
  appended = &after;
  do {
    run(task);
    while (after) {
      task = std::exchange(after, nullptr);
      run(task);
    }
  } while (next(self, task));
}

}  // namespace vbs
