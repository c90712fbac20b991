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

bool WorkerPool::start_thread() {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // inherited by the new thread
  bool started = true;
  try {
    threads_.emplace_back([this] { work(); });
  } catch (const std::system_error& e) {
    logger().error("pool {}: cannot start a thread: {}; raise the service's limit on tasks", name_, e.what());
    started = false;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

bool WorkerPool::try_submit(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    const size_t idle = threads_.size() - running_;
    // A task that an idle thread is about to take does not count as waiting.
    if (queue_.size() >= idle) {
      const bool may_grow = threads_.size() < max_threads_;
      if (!may_grow && queue_.size() >= idle + max_queue_) return false;
      if (may_grow && !start_thread() && (threads_.empty() || queue_.size() >= idle + max_queue_)) return false;
    }
    queue_.push_back(std::move(task));
  }
  wake_.notify_one();
  return true;
}

void WorkerPool::submit(Task task) {
  if (try_submit(std::move(task))) return;
  throw Error(
      Code::busy,
      fmt::format("too much work for '{}': {} threads are busy and {} tasks wait, which is the limit; try again", name_,
                  max_threads_, max_queue_));
}

void WorkerPool::stop() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
  }
  wake_.notify_all();
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

void WorkerPool::work() {
  pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    {
      Task task = std::move(queue_.front());
      queue_.pop_front();
      ++running_;
      lock.unlock();
      try {
        task();
      } catch (const std::exception& e) {
        logger().error("pool {}: a task failed: {}", name_, for_log(e.what()));
      } catch (...) {
        logger().error("pool {}: a task failed with an exception of an unknown type", name_);
      }
    }  // what the task holds is released outside the lock
    lock.lock();
    --running_;
  }
}

}  // namespace vbs
