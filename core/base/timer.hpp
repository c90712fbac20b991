// One thread that runs short callbacks at their time: retries, wait limits, long polls. A callback must not block; it
// hands real work to a pool. cancel() answers whether the callback will not run any more.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace vbs {

class Timer {
 public:
  using Id = uint64_t;  // 0 is never given out
  Timer();
  ~Timer();     // stop()
  void stop();  // drops what has not run and waits for what runs; never from a callback
  Id after(std::chrono::milliseconds delay, std::function<void()> f);
  bool cancel(Id id);

 private:
  void loop();
  using Time = std::chrono::steady_clock::time_point;
  void sleep_until(std::unique_lock<std::mutex>& lock, Time at);
  std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::pair<Time, Id>, std::function<void()>> due_;
  std::map<Id, Time> times_;
  Id next_ = 1;
  Time wakes_at_ = Time::min();  // while the thread sleeps: when it wakes by itself
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace vbs
