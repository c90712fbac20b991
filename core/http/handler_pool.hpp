// The threads that run handlers. Jobs start in order. The queue has no limit of its own: the server admits no more
// than Limits::in_flight.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace vbs::http {

class HandlerPool {
 public:
  using Job = std::function<void()>;  // must not throw

  explicit HandlerPool(unsigned threads);
  ~HandlerPool();      // stop()
  bool post(Job job);  // false after stop(); the job is destroyed unrun
  void stop();         // destroys what waits, lets running jobs end, joins. Not from a job.

 private:
  void work();
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> queue_;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace vbs::http
