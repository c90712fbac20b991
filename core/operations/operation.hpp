// What an operation is made of. An OperationKind says which locks it needs, when it may start, and its steps; the
// engine runs them, journals each, undoes or resumes them. To add one: derive from OperationKind, list it in kinds.cpp
// (HACKING.md walks through it).
//
// The rules that make it crash-safe
//  - A step's run() does side effects only through plugin calls that are idempotent by id, and answers a Commit: what
//  the store must
//    learn. The engine runs that in the same transaction that moves the journal to the next step. So a restart finds
//    either the step not done, and runs it again with a higher attempt, or done and recorded. There is no third
//    function "check": asking what is true is what an idempotent call does first.
//  - undo() may meet a step that ran wholly, partly or not at all.
//  - A forward_only step is never undone, nor is anything before it: a delete or an unplug that began is finished.
//  - A decisive step is the last one before such steps: the point of no return, where refusals are still possible.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/operations/lock_table.hpp"
#include "core/operations/registry.hpp"
#include "core/plugin_host/call.hpp"
#include "core/store/rows.hpp"

namespace vbs {

using Commit = std::function<void(store::Tx&)>;

struct StepContext {
  const store::OperationRow& operation;
  store::Database& database;
  Registry& registry;
  Call call;  // id, attempt, deadline, cancellation and progress of this step
  // Set by run(): what the operation's `data` becomes, in the same commit, for the steps after this one.
  mutable std::optional<std::string> keep;
};

struct Step {
  std::string name;
  WorkerPool* pool = nullptr;  // where it runs: of the back-end or the host that it calls
  std::function<Commit(const StepContext&)> run;
  std::function<Commit(const StepContext&)> undo;  // empty: nothing to undo
  bool forward_only = false;
  // Between undoable and forward-only: it is undone only if it was certainly refused. Once it may have happened, it is
  // run again until it is known; a cancel is not heard.
  bool decisive = false;
  std::chrono::milliseconds limit{0};  // time for one try; 0 = the engine's
};

class OperationKind {
 public:
  virtual ~OperationKind() = default;
  virtual std::string name() const = 0;
  virtual bool cancellable() const { return true; }
  // Whether it is cancelled, as long as that can be, when another operation would have to wait for its locks.
  virtual bool gives_way(const store::OperationRow&) const { return false; }
  virtual std::vector<LockRequest> locks(store::Session&, const store::OperationRow&) const = 0;
  // At admission, in the transaction that journals the operation and in which the caller has just put the rows that
  // announce the work (a volume that is `pending`): the state table. May keep facts for later in `data`. Throws
  // Error(conflict) naming the state.
  virtual void admit(store::Tx&, store::OperationRow&) const = 0;
  // When the locks are held; the world may have changed while it waited for them.
  virtual void begin(store::Tx&, store::OperationRow&) const = 0;
  virtual std::vector<Step> steps(store::Session&, Registry&, const store::OperationRow&) const = 0;
  virtual void succeed(store::Tx&, const store::OperationRow&) const = 0;  // with the last step
  // After the last undo; or when it never began (an empty step_name): its locks were not to be had, or begin() threw.
  virtual void fail(store::Tx&, const store::OperationRow&, const Error&) const = 0;
};

// All kinds, by name.
const OperationKind& kind_of(const std::string& name);  // Error(internal) for an unknown one

// States of an operation in the journal.
namespace state {
inline constexpr const char* queued = "queued";  // waits for locks
inline constexpr const char* running = "running";
inline constexpr const char* waiting = "waiting";  // something does not answer; tried again with a growing pause
inline constexpr const char* undoing = "undoing";
inline constexpr const char* done = "done";
inline constexpr const char* failed = "failed";
}  // namespace state

}  // namespace vbs
