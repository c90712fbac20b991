// A bounded pool of threads with a bounded queue, for work that may block (plugin calls, request handlers).
//
// Threads start when there is work for them, so an idle pool costs nothing. Work goes to the thread that became idle
// last, whose caches are warm; a condition variable shared by all would take turns. They block all signals: the main
// thread handles those. An exception that leaves a task is logged and ends only that task.
//
// Threading: every method from any thread, but stop() and the destructor never from one of the pool's own tasks.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace vbs {

class WorkerPool {
 public:
  using Task = std::function<void()>;
  // `name` is in log lines and thread names (its first 15 bytes). `max_queue` counts tasks that wait for a thread.
  WorkerPool(std::string name, size_t threads, size_t max_queue);
  ~WorkerPool();  // stop()
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  bool try_submit(Task task);  // false: full or stopped; the task was not taken
  void submit(Task task);      // throws Error(busy) instead
  void stop();                 // takes no more, runs what is queued, joins; may be called again
  size_t queued() const;
  size_t running() const;

 private:
  struct Idle {  // on the stack of a thread that waits
    std::condition_variable wake;
    Task task;  // empty when woken: the pool stops
  };
  void work(Task task);
  bool next(Task& task);          // waits for one; false: the pool stops
  bool start_thread(Task& task);  // with mutex_ held; takes the task if it succeeds
  const std::string name_;
  const size_t max_threads_, max_queue_;
  mutable std::mutex mutex_;
  std::vector<Idle*> idle_;
  std::deque<Task> queue_;
  std::vector<std::thread> threads_;
  size_t running_ = 0;
  bool stopping_ = false;
};

}  // namespace vbs
