// Runs operations: admission with locks, journalled steps in worker pools, undo in reverse, resume at start, cancel,
// retry, progress.
//
// Threading: any thread. Nothing blocks on plugin calls here; callbacks come from the writer's thread and must be
// quick.
#pragma once
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/operations/operation.hpp"

namespace vbs {

struct EngineOptions {
  std::chrono::milliseconds lock_wait{60000};       // then 409, naming what it waited for
  std::chrono::milliseconds call_deadline{120000};  // of one step; a copy that reports progress is given more
  std::chrono::milliseconds patience{
      30000};  // how long an unreachable back-end is asked again before what can be undone is undone
  std::chrono::milliseconds grace{10000};  // after its deadline a call that has not returned is told as unknown
  std::chrono::milliseconds first_pause{1000}, longest_pause{60000};
};

class Engine {
 public:
  using Options = EngineOptions;
  // Null error = accepted and durable; `operation` is its journal row.
  using Accepted = std::function<void(std::exception_ptr, const store::OperationRow& operation)>;
  using Ended = std::function<void(const store::OperationRow&)>;

  Engine(store::Database& database, Registry& registry, Timer& timer, Options options = {});
  ~Engine();

  // Takes up what the journal holds. Once, before the first submit().
  void resume();
  // Admits an operation. `extra` runs first in the same transaction (rights, idempotency key); it may throw.
  void submit(store::OperationRow operation, std::function<void(store::Tx&)> extra, Accepted accepted);
  // Calls back when the operation has ended, or after `limit`, whichever is first, with its row as it is then.
  void on_end(const std::string& id, std::chrono::milliseconds limit, Ended ended);
  // Error(conflict) where it has ended or cannot be cancelled any more.
  void cancel(const std::string& id);
  void retry(const std::string& id);  // ask again now; Error(conflict) if it does not wait
  // What that pool's back-end or host depends on is back: operations that wait there are tried at once. Any thread but
  // the writer's.
  void answers_again(const WorkerPool& pool);
  // Takes nothing new, begins no further step, answers whoever waits. Steps that run are finished by Registry::stop().
  void stop();

  // Of an operation that has not ended.
  struct Status {
    std::string kind, state;
    uint64_t done_bytes = 0, total_bytes = 0;
  };
  std::optional<Status> status(const std::string& id) const;
  std::map<std::string, size_t> live_states() const;  // how many are in each state

 private:
  struct Live;
  using LivePtr = std::shared_ptr<Live>;
  void accepted(const LivePtr& live, bool granted);
  void granted(const std::string& id);
  void begin(const LivePtr& live);
  void lock_wait_over(const LivePtr& live);
  void ask_for_way(const LivePtr& live);
  static void request_cancel(store::Tx& tx, const LivePtr& live);  // Error(conflict) where it is too late
  void heed_cancel(const LivePtr& live);
  enum class Waiting { nothing, locks, pause };
  void wait(const LivePtr& live, Waiting what, std::chrono::milliseconds time);
  bool end_wait(const LivePtr& live, Waiting what, bool stop_timer);
  void advance(const LivePtr& live);
  void execute(const LivePtr& live);
  void hangs(const LivePtr& live, long long attempt);
  void came_back(const LivePtr& live, long long attempt);
  void step_done(const LivePtr& live, Commit commit, std::optional<std::string> keep);
  void step_failed(const LivePtr& live, const Error& error);
  void pause(const LivePtr& live, const Error& error);
  void start_undo(const LivePtr& live, const Error& error);
  void end(const LivePtr& live, const Error& error);
  void ended(const LivePtr& live);
  // A change of the store that is tried again for as long as the store itself fails.
  struct Entry {
    std::function<void(store::Tx&)> body;
    std::function<void()> then;
    std::function<void(const Error&)> refused;  // gets what the body threw; empty: cannot be refused
    std::chrono::milliseconds pause{0};
  };
  void write(const LivePtr& live, std::shared_ptr<Entry> entry,
             store::Writer::Submitter who = store::Writer::Submitter::must_not_wait);
  void journal(const LivePtr& live, store::OperationRow row, std::function<void(store::Tx&)> body,
               std::function<void()> then, std::function<void(const Error&)> refused = nullptr,
               store::Writer::Submitter who = store::Writer::Submitter::must_not_wait);
  void show_state(const LivePtr& live);
  std::optional<store::OperationRow> read_row(const std::string& id) const;
  LivePtr find(const std::string& id) const;

  store::Database& database_;
  Registry& registry_;
  Timer& timer_;
  const Options options_;
  LockTable locks_;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::unordered_map<std::string, LivePtr> live_;
  struct Waiter {
    Ended ended;
    Timer::Id timer;
  };
  std::unordered_map<std::string, std::vector<std::shared_ptr<Waiter>>> waiters_;
};

}  // namespace vbs
