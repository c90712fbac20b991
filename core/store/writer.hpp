// The one writer of the store: takes whatever transactions are waiting, runs each in a savepoint of its own, and makes
// them all durable with one sync (group commit). With eight clients that is what turns hundreds of syncs a second into
// thousands of operations.
//
// One thread at a time writes, "the writer's thread": the Writer's own, or that of a submitter who may wait and finds
// nobody writing. The latter saves a lone client two changes of thread for each commit; what comes in meanwhile is left
// to the Writer's own, so that nobody writes for the others for long (a leader and its followers, as in LevelDB).
//
// A body that throws undoes only its own savepoint. If the commit itself fails (disk full, I/O error), every
// transaction of the batch fails with that error, and nothing of it is visible.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "core/store/session.hpp"

namespace vbs::store {

class Tx {
 public:
  explicit Tx(Session& session) : db(session) {}
  Session& db;
  // Run on the writer's thread once the commit is durable / once this body is undone. Must be quick and not throw.
  void after_commit(std::function<void()> f) { committed_.push_back(std::move(f)); }
  void after_rollback(std::function<void()> f) { undone_.push_back(std::move(f)); }

 private:
  friend class Writer;
  std::vector<std::function<void()>> committed_, undone_;
};

class Writer {
 public:
  using Body = std::function<void(Tx&)>;
  using Done = std::function<void(std::exception_ptr)>;  // on the writer's thread, after the sync; null = committed

  explicit Writer(const std::string& path);
  ~Writer();    // stop()
  void stop();  // commits what is queued, also what callbacks add meanwhile; later submits fail with Error(unavailable)

  enum class Submitter { must_not_wait, may_wait };  // may_wait: holds no lock that a body or a callback could want
  void submit(Body body, Done done, Submitter who = Submitter::must_not_wait);
  bool failing() const { return failing_; }  // the last commit failed, so nothing can be changed now
  void transact(const Body& body);  // waits; throws what body or the commit threw. Never from the writer's own thread.

 private:
  struct Job {
    Body body;
    Done done;
    std::exception_ptr error;
    std::unique_ptr<Tx> tx;
  };
  void loop();
  void write_waiting(std::unique_lock<std::mutex>& lock) noexcept;
  void run_batch(std::vector<Job>& batch);
  void run_one(Job& job);
  static void run_alone(Job& job);

  Session session_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> queue_;
  bool writing_ = false;  // a thread is inside write_waiting()
  bool stopping_ = false, stopped_ = false;
  std::atomic<bool> failing_{false};
  std::thread thread_;
};

}  // namespace vbs::store
