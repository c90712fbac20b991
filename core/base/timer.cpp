#include "core/base/timer.hpp"

#include "core/base/log.hpp"

namespace vbs {
Timer::Timer() : thread_([this] { loop(); }) {}

Timer::~Timer() { stop(); }

void Timer::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Timer::Id Timer::after(std::chrono::milliseconds delay, std::function<void()> f) {
  std::lock_guard lock(mutex_);
  const Id id = next_++;
  const Time at = std::chrono::steady_clock::now() + delay;
  due_.emplace(std::pair(at, id), std::move(f));
  times_.emplace(id, at);
  if (at < wakes_at_) wake_.notify_all();
  return id;
}

bool Timer::cancel(Id id) {
  std::function<void()> dropped;  // destroyed after the lock: it may own things with destructors of their own
  std::lock_guard lock(mutex_);
  const auto it = times_.find(id);
  if (it == times_.end()) return false;
  const auto entry = due_.find({it->second, id});
  dropped = std::move(entry->second);
  due_.erase(entry);
  times_.erase(it);
  return true;
}

// When a cancelled callback was the next one, the thread sleeps on to its time: waking it costs more than that, and
// most callbacks here are limits that are cancelled long before.
void Timer::sleep_until(std::unique_lock<std::mutex>& lock, Time at) {
  wakes_at_ = at;
  at == Time::max() ? wake_.wait(lock) : (void)wake_.wait_until(lock, at);
  wakes_at_ = Time::min();
}

void Timer::loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (due_.empty()) {
      sleep_until(lock, Time::max());
      continue;
    }
    const auto at = due_.begin()->first.first;
    if (std::chrono::steady_clock::now() < at) {
      sleep_until(lock, at);
      continue;
    }
    auto f = std::move(due_.begin()->second);
    times_.erase(due_.begin()->first.second);
    due_.erase(due_.begin());
    lock.unlock();
    try {
      f();
    } catch (const std::exception& e) {
      logger().error("timer: {}", e.what());
    }
    f = nullptr;
    lock.lock();
  }
}
}  // namespace vbs
