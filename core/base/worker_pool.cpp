#include "core/base/worker_pool.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <exception>
#include <system_error>

#include "core/base/error.hpp"
#include "core/base/log.hpp"

namespace vbs {

WorkerPool::WorkerPool(std::string name, size_t threads, size_t max_queue)
    : name_(std::move(name)), max_threads_(std::max<size_t>(threads, 1)), max_queue_(max_queue) {}

WorkerPool::~WorkerPool() { stop(); }

bool WorkerPool::start_thread(Task& task) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // inherited by the new thread
  bool started = true;
  try {
    threads_.emplace_back([this, first = task]() mutable { work(std::move(first)); });
    ++running_;
  } catch (const std::system_error& e) {
    logger().error("pool {}: cannot start a thread: {}; raise the service's limit on tasks", name_, e.what());
    started = false;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

bool WorkerPool::try_submit(Task task) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return false;
  if (hand_out(task)) return true;
  if (threads_.empty() || lost_ >= may_run() || queue_.size() >= max_queue_) return false;
  queue_.push_back(std::move(task));
  return true;
}

size_t WorkerPool::may_run() const { return max_threads_ + std::min(lost_, max_threads_); }

bool WorkerPool::hand_out(Task& task) {
  if (running_ >= may_run()) return false;
  if (idle_.empty()) return start_thread(task);
  auto* idle = idle_.back();
  idle_.pop_back();
  idle->task = std::move(task);
  ++running_;
  idle->wake.notify_one();  // under the lock: afterwards the thread may be gone, and its Idle with it
  return true;
}

void WorkerPool::thread_lost() {
  const std::lock_guard lock(mutex_);
  ++lost_;
  if (!stopping_ && !queue_.empty() && hand_out(queue_.front())) queue_.pop_front();
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
    for (auto* idle : idle_) idle->wake.notify_one();
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

bool WorkerPool::next(Task& task) {
  std::unique_lock lock(mutex_);
  if (!queue_.empty() && running_ <= may_run()) {  // a thread that was replaced rests when it comes back
    task = std::move(queue_.front());
    queue_.pop_front();
    return true;
  }
  --running_;
  if (stopping_) return false;
  Idle self;
  idle_.push_back(&self);
  self.wake.wait(lock, [&] { return self.task || stopping_; });
  if (!self.task) return false;
  task = std::move(self.task);
  return true;
}

void WorkerPool::work(Task task) {
  pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
  do {
    try {
      task();
    } catch (const std::exception& e) {
      logger().error("pool {}: a task failed: {}", name_, for_log(e.what()));
    } catch (...) {
      logger().error("pool {}: a task failed with an exception of an unknown type", name_);
    }
    task = nullptr;  // what it holds is released outside the lock
  } while (next(task));
}

}  // namespace vbs
