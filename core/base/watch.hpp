// Says whether a task of a WorkerPool that calls into foreign code has come back, where somebody will not wait for
// ever:
//
//   auto watch = std::make_shared<Watch>(pool);
//   pool.submit([watch] { if (!watch->begin()) return;  foreign();  if (watch->end()) use_the_outcome(); });
//   ... later, elsewhere: if (watch->give_up()) tell_that_it_hangs();
//
// Exactly one side gets true from end() and give_up(). A task that was given up while it ran counts as a lost thread of
// its pool, which may start another in its place, until it comes back.
//
// Threading: any thread. The pool must outlive the task.
#pragma once
#include <mutex>

#include "core/base/worker_pool.hpp"

namespace vbs {

class Watch {
 public:
  explicit Watch(WorkerPool& pool) : pool_(pool) {}
  bool begin();        // false: it was given up while it waited for a thread, and must not run
  bool end();          // false: it was given up; what it found out is for nobody
  bool give_up();      // false: it has ended
  bool hangs() const;  // given up while it ran, and not back yet

 private:
  enum class State { queued, running, ended, dropped, hangs };
  WorkerPool& pool_;
  mutable std::mutex mutex_;
  State state_ = State::queued;
};

}  // namespace vbs
