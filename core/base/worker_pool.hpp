// A bounded pool of threads with a bounded queue, for work that may block (plugin calls, request handlers).
//
// Threads start when there is work for them, so an idle pool costs nothing. Work goes to the thread that became idle
// last, whose caches are warm; a condition variable shared by all would take turns. They block all signals: the main
// thread handles those. An exception that leaves a task is logged and ends only that task.
//
// A thread that hangs in foreign code cannot be ended. Whoever finds that out (watch.hpp) tells the pool, which from
// then on starts another in its place, as often as it has threads: a pool of 4 may lose 4 and still do four things at
// once. When every thread that it may have is lost, it takes no more tasks.
//
// Threading: every method from any thread, but stop() and the destructor never from one of the pool's own tasks.
#pragma once
#include <deque>
#include <functional>
#include <mutex>
#include <semaphore>
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
  // Has the calling thread run `task` itself when what it does now has ended: saves a change of thread for short work
  // that follows from a task. False: it is no pool's thread, or has such work already; the task was not taken.
  static bool try_append(Task& task);
  void stop();  // takes no more, runs what is queued, joins; may be called again
  size_t queued() const;
  size_t running() const;
  const std::string& name() const { return name_; }
  size_t lost() const;      // threads that hang now
  void thread_lost();       // of Watch alone: a running task is not waited for any more
  void thread_came_back();  // it ended after all

 private:
  struct Worker {  // a thread's; kept until the pool goes, for whoever wakes it does so without the lock
    std::binary_semaphore wake{0};
    Task task;  // empty when woken: the pool stops
  };
  void work(Worker& self, Task task);
  void run(Task& task);
  bool next(Worker& self, Task& task);  // waits for one; false: the pool stops
  // The rest with mutex_ held.
  bool start_thread(Task& task);  // takes the task if it succeeds
  // To an idle thread, which the caller wakes afterwards, or to a new one; false: no more may run.
  bool hand_out(Task& task, Worker*& to_wake);
  size_t may_run() const;  // threads with a task, those that hang included
  const std::string name_;
  const size_t max_threads_, max_queue_;
  mutable std::mutex mutex_;
  std::deque<Worker> workers_;  // never moved
  std::vector<Worker*> idle_;
  std::deque<Task> queue_;
  std::vector<std::thread> threads_;
  size_t running_ = 0, lost_ = 0;
  bool stopping_ = false;
};

}  // namespace vbs
