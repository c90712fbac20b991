#include "core/operations/engine.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/clock.hpp"
#include "core/base/crash_point.hpp"
#include "core/base/log.hpp"

namespace vbs {
using store::OperationRow;
using store::Tx;

// An operation between admission and end. Exactly one thread works on it at a time: whoever runs its step, the writer's
// thread in the callbacks of its commits, or the timer's while it pauses. What other threads read is atomic or under
// the mutex.
struct Engine::Live {
  OperationRow row;  // as journalled last; changed on the writer's thread only
  const OperationKind* const kind;
  std::vector<Step> steps;
  std::shared_ptr<CancelFlag> cancel = std::make_shared<CancelFlag>();
  std::atomic<uint64_t> done_bytes{0}, total_bytes{0};
  std::chrono::steady_clock::time_point failing_since{};
  std::chrono::milliseconds pause{0};
  Waiting waiting = Waiting::nothing;  // what `timer` is for; both under Engine::mutex_
  Timer::Id timer = 0;
  const std::string id, kind_name;  // as in row, for readers on other threads
  std::string shown_state;          // the same, under Engine::mutex_
  Live(OperationRow r)
      : row(std::move(r)), kind(&kind_of(row.kind)), id(row.id), kind_name(row.kind), shown_state(row.state) {
    if (row.cancel_requested) cancel->set();
  }
  const Step& step() const { return steps.at(static_cast<size_t>(row.step)); }
  std::string point(const char* where) const {
    return row.kind + "." + step().name + "." + (row.undoing ? "undo_" : "") + where;
  }
};

Engine::Engine(store::Database& database, Registry& registry, Timer& timer, Options options)
    : database_(database), registry_(registry), timer_(timer), options_(options) {}

Engine::~Engine() { stop(); }

void Engine::stop() {
  if (stopping_.exchange(true)) return;
  // Whoever waits for an end is told how far it is.
  decltype(waiters_) waiters;
  {
    std::lock_guard lock(mutex_);
    waiters.swap(waiters_);
  }
  for (const auto& [id, list] : waiters)
    for (const auto& w : list)
      if (timer_.cancel(w->timer))
        if (const auto row = read_row(id)) w->ended(*row);
}

std::optional<OperationRow> Engine::read_row(const std::string& id) const {
  return database_.read([&](store::Session& db) { return store::find_operation(db, id); });
}

Engine::LivePtr Engine::find(const std::string& id) const {
  std::lock_guard lock(mutex_);
  const auto it = live_.find(id);
  return it == live_.end() ? nullptr : it->second;
}

std::optional<Engine::Status> Engine::status(const std::string& id) const {
  const auto live = find(id);
  if (!live) return std::nullopt;
  std::lock_guard lock(mutex_);
  return Status{live->kind_name, live->shown_state, live->done_bytes, live->total_bytes};
}

// ---- admission
// ----------------------------------------------------------------------------------------------------------

void Engine::submit(OperationRow operation, std::function<void(Tx&)> extra, Accepted accepted_cb) {
  if (stopping_) return accepted_cb(std::make_exception_ptr(Error(Code::unavailable, "vbsd is stopping")), operation);
  operation.created_at = operation.updated_at = now_us();
  auto live = std::make_shared<Live>(std::move(operation));
  auto got_locks = std::make_shared<bool>(false);
  database_.writer().submit(
      [this, live, got_locks, extra = std::move(extra)](Tx& tx) {
        auto& row = live->row;
        if (extra) extra(tx);
        live->kind->admit(tx, row);
        // The callbacks of a job run in the order of registration: taken first, given back first.
        tx.after_rollback([this, id = row.id] {
          for (const auto& next : locks_.release(id)) granted(next);
        });
        *got_locks = locks_.acquire(row.id, live->kind->locks(tx.db, row));
        row.state = *got_locks ? state::running : state::queued;
        if (*got_locks) {
          live->kind->begin(tx, row);
          live->steps = live->kind->steps(tx.db, registry_, row);
          row.step_name = live->steps.empty() ? "" : live->steps.front().name;
        }
        store::insert_operation(tx, row);
        store::record_event(tx, row, "accepted");
        crash_point(row.kind + ".admit.before_commit");
      },
      [this, live, got_locks, accepted_cb = std::move(accepted_cb)](std::exception_ptr error) {
        if (!error) crash_point(live->row.kind + ".admit.committed");
        if (!error) accepted(live, *got_locks);
        accepted_cb(error, live->row);
      });
}

void Engine::accepted(const LivePtr& live, bool has_locks) {
  {
    std::lock_guard lock(mutex_);
    live_[live->id] = live;
    live->shown_state = live->row.state;
  }
  if (has_locks) return advance(live);
  // Whoever was in the way may have ended in the same batch of commits, before this operation could be found.
  if (locks_.holds(live->id)) return granted(live->id);
  wait(live, Waiting::locks, options_.lock_wait);
}

void Engine::wait(const LivePtr& live, Waiting what, std::chrono::milliseconds time) {
  std::lock_guard lock(mutex_);
  live->waiting = what;
  live->timer = timer_.after(time, [this, live, what] {
    if (end_wait(live, what, false)) what == Waiting::locks ? lock_wait_over(live) : advance(live);
  });
}

// Whoever gets true here goes on with the operation: the timer, a grant, a cancel or a retry.
bool Engine::end_wait(const LivePtr& live, Waiting what, bool stop_timer) {
  std::lock_guard lock(mutex_);
  if (live->waiting != what) return false;
  live->waiting = Waiting::nothing;
  if (stop_timer) timer_.cancel(live->timer);
  return true;
}

// The locks of a queued operation have become free.
void Engine::granted(const std::string& id) {
  const auto live = find(id);
  if (!live) return;
  end_wait(live, Waiting::locks, true);
  database_.writer().submit(
      [this, live](Tx& tx) {
        if (live->cancel->is_set()) throw Error(Code::cancelled, "cancelled on request");
        live->kind->begin(tx, live->row);
        live->steps = live->kind->steps(tx.db, registry_, live->row);
        auto row = live->row;
        row.state = state::running;
        row.step_name = live->steps.empty() ? "" : live->steps.front().name;
        store::update_operation(tx, row);
        live->row = row;
      },
      [this, live](std::exception_ptr error) {
        if (!error) {
          show_state(live);
          return advance(live);
        }
        try {
          std::rethrow_exception(error);
        } catch (const Error& e) {
          end(live, e);
        } catch (const std::exception& e) {
          end(live, Error(Code::internal, e.what()));
        }
      });
}

void Engine::lock_wait_over(const LivePtr& live) {
  std::string names;
  for (const auto& b : locks_.blockers(live->id))
    if (const auto other = find(b))
      names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", other->kind_name, other->id);
  end(live, Error(Code::conflict,
                  fmt::format("waited {} s for {}; try again when that has ended", options_.lock_wait.count() / 1000,
                              names.empty() ? "another operation" : names)));
}

// ---- steps
// --------------------------------------------------------------------------------------------------------------

void Engine::advance(const LivePtr& live) {
  if (stopping_) return;  // the journal has it; the next start resumes it
  // Undo passes over steps that have nothing to undo.
  while (live->row.undoing && live->row.step >= 0 && !live->step().undo) --live->row.step;
  if (live->row.undoing && live->row.step < 0)
    return end(live, Error(code_from_string(live->row.error_code), live->row.error_message));
  if (!live->step().pool->try_submit([this, live] { execute(live); }))
    step_failed(live, Error(Code::unavailable, "too many calls are waiting for " + live->step().name));
}

void Engine::execute(const LivePtr& live) {
  const auto& step = live->step();
  live->failing_since =
      live->failing_since == decltype(live->failing_since){} ? std::chrono::steady_clock::now() : live->failing_since;
  try {
    const bool may_cancel = !live->row.undoing && !step.forward_only;
    if (may_cancel && live->cancel->is_set()) throw Error(Code::cancelled, "cancelled on request");
    StepContext context{live->row, database_, registry_, {}};
    context.call.id = live->row.id + "/" + step.name;
    context.call.epoch = static_cast<uint64_t>(live->row.attempt);
    context.call.deadline =
        std::chrono::steady_clock::now() + (step.limit.count() ? step.limit : options_.call_deadline);
    if (may_cancel) context.call.cancel = live->cancel;
    context.call.progress = [live](uint64_t done, uint64_t total) {
      live->done_bytes = done;
      live->total_bytes = total;
    };
    crash_point(live->point("before"));
    auto commit = live->row.undoing ? step.undo(context) : step.run(context);
    crash_point(live->point("ran"));
    step_done(live, std::move(commit));
  } catch (const Error& e) {
    step_failed(live, e);
  } catch (const std::exception& e) {
    step_failed(live, Error(Code::internal, e.what()));
  }
}

void Engine::show_state(const LivePtr& live) {
  std::lock_guard lock(mutex_);
  live->shown_state = live->row.state;
}

// Journals a new row together with `body`; `then` runs once it is durable. A commit that fails (disk full) is a failing
// step.
void Engine::journal(const LivePtr& live, OperationRow row, std::function<void(Tx&)> body, std::function<void()> then) {
  row.updated_at = now_us();
  auto shared = std::make_shared<OperationRow>(std::move(row));
  database_.writer().submit(
      [shared, body = std::move(body)](Tx& tx) {
        if (body) body(tx);
        store::update_operation(tx, *shared);
      },
      [this, live, shared, then = std::move(then)](std::exception_ptr error) {
        if (!error) {
          live->row = *shared;
          show_state(live);
          return then();
        }
        try {
          std::rethrow_exception(error);
        } catch (const std::exception& e) {
          // Nothing can be journalled now, so nothing may be done either: wait, and run the same step again.
          logger().error("operation {}: {}", live->row.id, e.what());
          timer_.after(options_.longest_pause, [this, live] { advance(live); });
        }
      });
}

void Engine::step_done(const LivePtr& live, Commit commit) {
  auto row = live->row;
  live->pause = {};
  live->failing_since = {};
  row.waits_for.clear();
  row.step += row.undoing ? -1 : 1;
  const bool last = !row.undoing && row.step == static_cast<long long>(live->steps.size());
  row.state = last ? state::done : row.undoing ? state::undoing : state::running;
  if (!last && row.step >= 0) row.step_name = live->steps.at(static_cast<size_t>(row.step)).name;
  const std::string point = live->point("committed");
  journal(
      live, row,
      [live, last, row, commit = std::move(commit)](Tx& tx) {
        if (commit) commit(tx);
        if (!last) return;
        live->kind->succeed(tx, row);
        store::record_event(tx, row, "done");
      },
      [this, live, last, point] {
        crash_point(point);
        last ? ended(live) : advance(live);
      });
}

void Engine::step_failed(const LivePtr& live, const Error& error) {
  const bool unsure = error.code() == Code::unknown_outcome;
  const bool transient = unsure || error.code() == Code::unavailable || error.code() == Code::busy;
  const bool undoable = !live->row.undoing && !live->step().forward_only;
  if (live->row.undoing) return pause(live, error);  // an undo is never given up
  if (transient) {
    const bool out_of_patience =
        undoable && !unsure && std::chrono::steady_clock::now() - live->failing_since > options_.patience;
    if (!out_of_patience && !(undoable && live->cancel->is_set())) return pause(live, error);
  }
  if (undoable) return start_undo(live, error);
  end(live, error);
}

void Engine::pause(const LivePtr& live, const Error& error) {
  live->pause = live->pause.count() == 0 ? options_.first_pause : std::min(live->pause * 2, options_.longest_pause);
  auto row = live->row;
  row.state = state::waiting;
  row.waits_for = error.what();
  ++row.attempt;  // the try that did not answer may still be running somewhere: the next one uses names of its own
  logger().warn("operation {} ({} {}) waits {} ms: {}", row.id, row.kind, row.step_name, live->pause.count(),
                error.what());
  journal(live, row, nullptr, [this, live] {
    wait(live, Waiting::pause, live->cancel->is_set() ? std::chrono::milliseconds(0) : live->pause);
  });
}

void Engine::start_undo(const LivePtr& live, const Error& error) {
  auto row = live->row;
  row.undoing = 1;
  row.state = state::undoing;
  row.error_code = to_string(error.code());
  row.error_message = error.what();
  row.waits_for.clear();
  journal(live, row, nullptr, [this, live] { advance(live); });
}

// Ends as failed.
void Engine::end(const LivePtr& live, const Error& error) {
  auto row = live->row;
  row.state = state::failed;
  row.error_code = to_string(error.code());
  row.error_message = error.what();
  row.waits_for.clear();
  logger().info("operation {} ({} of {}) failed: {}", row.id, row.kind, row.object_id, error.what());
  journal(
      live, row,
      [live, row, error](Tx& tx) {
        live->kind->fail(tx, row, error);
        store::record_event(tx, row, "failed", error.what());
      },
      [this, live] {
        crash_point(live->row.kind + ".end.committed");
        ended(live);
      });
}

void Engine::ended(const LivePtr& live) {
  std::vector<std::shared_ptr<Waiter>> waiters;
  {
    std::lock_guard lock(mutex_);
    live_.erase(live->row.id);
    if (const auto it = waiters_.find(live->row.id); it != waiters_.end()) {
      waiters = std::move(it->second);
      waiters_.erase(it);
    }
  }
  for (const auto& next : locks_.release(live->row.id)) granted(next);
  for (const auto& w : waiters)
    if (timer_.cancel(w->timer)) w->ended(live->row);
}

// ---- from outside
// -------------------------------------------------------------------------------------------------------

void Engine::on_end(const std::string& id, std::chrono::milliseconds limit, Ended ended_cb) {
  auto waiter = std::make_shared<Waiter>();
  waiter->ended = ended_cb;
  {
    std::lock_guard lock(mutex_);
    if (live_.count(id) && limit.count() > 0 && !stopping_) {
      waiters_[id].push_back(waiter);
      waiter->timer = timer_.after(limit, [this, id, waiter] {
        {
          std::lock_guard inner(mutex_);
          if (const auto it = waiters_.find(id); it != waiters_.end()) std::erase(it->second, waiter);
        }
        if (const auto row = read_row(id)) waiter->ended(*row);
      });
      return;
    }
  }
  const auto row = read_row(id);
  if (!row) throw Error(Code::not_found, "there is no operation " + id);
  ended_cb(*row);
}

void Engine::cancel(const std::string& id) {
  const auto live = find(id);
  if (!live) throw Error(Code::conflict, "operation " + id + " has ended");
  if (!live->kind->cancellable())
    throw Error(Code::conflict, fmt::format("{} cannot be cancelled: once accepted it is finished", live->kind_name));
  // Journalled first: a restart must not forget what was acknowledged.
  database_.writer().transact([&](Tx& tx) { store::request_cancel(tx, id); });
  live->cancel->set();
  if (end_wait(live, Waiting::locks, true)) return end(live, Error(Code::cancelled, "cancelled on request"));
  if (end_wait(live, Waiting::pause, true)) advance(live);
  // Otherwise a step runs, and sees the flag.
}

void Engine::retry(const std::string& id) {
  const auto live = find(id);
  if (!live || !end_wait(live, Waiting::pause, true))
    throw Error(Code::conflict, "operation " + id + " does not wait to be tried again");
  advance(live);
}

void Engine::resume() {
  auto rows = database_.read([](store::Session& db) { return store::live_operations(db); });
  // Those that had begun hold their locks; the others queue behind them in their old order.
  std::stable_partition(rows.begin(), rows.end(), [](const OperationRow& r) { return r.state != state::queued; });
  std::vector<LivePtr> begun;
  for (auto& row : rows) {
    auto live = std::make_shared<Live>(row);
    bool holds = false;
    database_.read([&](store::Session& db) {
      holds = locks_.acquire(row.id, live->kind->locks(db, row));
      if (row.state != state::queued) live->steps = live->kind->steps(db, registry_, row);
    });
    {
      std::lock_guard lock(mutex_);
      live_[row.id] = live;
    }
    if (row.state != state::queued)
      begun.push_back(live);
    else if (holds)
      granted(row.id);
    else
      accepted(live, false);
  }
  if (begun.empty()) return;
  logger().info("resuming {} operations that the last run left", begun.size());
  database_.writer().transact([&](Tx& tx) {
    for (const auto& live : begun) {
      ++live->row.attempt;
      live->row.state = live->row.undoing ? state::undoing : state::running;
      store::update_operation(tx, live->row);
    }
  });
  for (const auto& live : begun) advance(live);
}
}  // namespace vbs
