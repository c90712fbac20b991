#include "core/operations/engine.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/clock.hpp"
#include "core/base/crash_point.hpp"
#include "core/base/log.hpp"
#include "core/base/metrics.hpp"
#include "core/base/watch.hpp"

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
  std::optional<std::chrono::steady_clock::time_point> failing_since;  // this step, without an answer
  bool unsure = false;  // a try of this step may have done something: it timed out, or the last run of vbsd ended in it
  std::chrono::milliseconds pause{0};
  std::shared_ptr<Watch> call;         // of the last step that ran
  Waiting waiting = Waiting::nothing;  // what `timer` is for; both under Engine::mutex_
  Timer::Id timer = 0;
  const std::string id, kind_name;  // as in row, for readers on other threads
  std::string shown_state;          // the same, under Engine::mutex_
  Live(OperationRow r)
      : row(std::move(r)), kind(&kind_of(row.kind)), id(row.id), kind_name(row.kind), shown_state(row.state) {
    if (row.cancel_requested) cancel->set();
  }
  const Step& step() const { return steps.at(static_cast<size_t>(row.step)); }
  bool past_return() const { return row.undoing || (!steps.empty() && (step().forward_only || step().decisive)); }
  std::string point(const char* where) const {
    return row.kind + "." + step().name + "." + (row.undoing ? "undo_" : "") + where;
  }
};

namespace {
// The step whose undo runs next, from `step` downwards; -1: there is none. Nothing before a forward_only step is
// undone.
long long to_undo(const std::vector<Step>& steps, long long step) {
  for (; step >= 0; --step) {
    const auto& s = steps.at(static_cast<size_t>(step));
    if (s.forward_only) return -1;
    if (s.undo) break;
  }
  return step;
}

// With the fields of the operation only, on whichever thread this is.
void log(const OperationRow& row, spdlog::level::level_enum level, const std::string& text) {
  if (!logger().should_log(level)) return;
  const LogScope scope({{"request", row.request_id},
                        {"operation", row.id},
                        {"kind", row.kind},
                        {"object", row.object_id},
                        {"step", row.step_name}},
                       LogScope::Outer::leave_out);
  logger().log(level, "{}", text);
}

// Where the journal says that an operation is must be a place in it.
void check_step(const OperationRow& row, bool begun, size_t steps) {
  const auto end = static_cast<long long>(steps);
  if (begun ? row.step < end && row.step >= (row.undoing ? -1 : 0) : row.step == 0 && !row.undoing) return;
  throw Error(Code::internal,
              fmt::format("the journal has it at step {} of {}{}; something other than vbsd has changed the "
                          "store",
                          row.step, steps, row.undoing ? ", undoing" : ""));
}

std::chrono::milliseconds longer(std::chrono::milliseconds pause, const EngineOptions& o) {
  return pause.count() == 0 ? o.first_pause : std::min(pause * 2, o.longest_pause);
}
}  // namespace

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

std::map<std::string, size_t> Engine::live_states() const {
  std::map<std::string, size_t> out{{state::queued, 0}, {state::running, 0}, {state::waiting, 0}, {state::undoing, 0}};
  std::lock_guard lock(mutex_);
  for (const auto& [id, live] : live_) ++out[live->shown_state];
  return out;
}

// ---- admission ------------------------------------------------------------------------------------------------------

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
        crash_point(row.kind + ".admit.before_commit");
      },
      [this, live, got_locks, accepted_cb = std::move(accepted_cb)](std::exception_ptr error) {
        if (!error) crash_point(live->row.kind + ".admit.committed");
        if (!error) accepted(live, *got_locks);
        accepted_cb(error, live->row);
      },
      store::Writer::Submitter::may_wait);
}

void Engine::accepted(const LivePtr& live, bool has_locks) {
  {
    std::lock_guard lock(mutex_);
    live_[live->id] = live;
    live->shown_state = live->row.state;
  }
  if (has_locks) return advance(live);
  // Whoever was in the way may have ended in the same batch of commits, before this operation could be found.
  if (locks_.holds(live->id)) return begin(live);
  wait(live, Waiting::locks, options_.lock_wait);
  ask_for_way(live);
}

// Background work that stands before it is cancelled. May run on the writer's thread, so nothing is waited for.
void Engine::ask_for_way(const LivePtr& live) {
  for (const auto& id : locks_.blockers(live->id)) {
    const auto other = find(id);
    if (!other || !other->kind->gives_way(other->row)) continue;
    database_.writer().submit([this, other](Tx& tx) { request_cancel(tx, other); },
                              [this, other, kind = live->kind_name](std::exception_ptr error) {
                                if (error) return;  // it has ended, or is past its point of return and ends soon
                                log(other->row, spdlog::level::info, "gives way to " + kind);
                                heed_cancel(other);
                              });
  }
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

// The locks of a queued operation have become free. Its wait may have ended already, by time or by a cancel; then it
// ends and gives them back.
void Engine::granted(const std::string& id) {
  const auto live = find(id);
  if (live && end_wait(live, Waiting::locks, true)) begin(live);
}

void Engine::begin(const LivePtr& live) {
  struct Begun {
    OperationRow row;
    std::vector<Step> steps;
  };
  auto begun = std::make_shared<Begun>();
  auto entry = std::make_shared<Entry>();
  entry->body = [this, live, begun](Tx& tx) {
    if (live->cancel->is_set()) throw Error(Code::cancelled, "cancelled on request");
    auto& row = begun->row = live->row;
    live->kind->begin(tx, row);
    begun->steps = live->kind->steps(tx.db, registry_, row);
    row.state = state::running;
    row.step_name = begun->steps.empty() ? "" : begun->steps.front().name;
    row.updated_at = now_us();
    store::update_operation(tx, row);
  };
  entry->then = [this, live, begun] {
    live->row = begun->row;
    live->steps = std::move(begun->steps);
    show_state(live);
    advance(live);
  };
  entry->refused = [this, live](const Error& e) { end(live, e); };
  write(live, std::move(entry));
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

// ---- steps ----------------------------------------------------------------------------------------------------------

void Engine::advance(const LivePtr& live) {
  if (stopping_) return;  // the journal has it; the next start resumes it
  if (live->row.undoing && live->row.step < 0)
    return end(live, Error(code_from_string(live->row.error_code), live->row.error_message));
  // Never two calls at once for one operation: a plugin may rely on that.
  if (live->call && live->call->hangs())
    return step_failed(live, Error(Code::unavailable, fmt::format("{} does not answer: an earlier call has not "
                                                                  "returned; if it never does, restart vbsd",
                                                                  live->step().pool->name())));
  auto* pool = live->step().pool;
  if (!pool->try_submit([this, live] { execute(live); }))
    step_failed(live, Error(Code::unavailable, pool->lost() == 0
                                                   ? "too many calls are waiting for " + live->step().name
                                                   : fmt::format("{} does not answer: {} calls to it have not returned",
                                                                 pool->name(), pool->lost())));
}

void Engine::execute(const LivePtr& live) {
  const auto& step = live->step();
  const auto row = live->row;
  const auto limit = step.limit.count() ? step.limit : options_.call_deadline;
  const LogScope scope{{"request", row.request_id},
                       {"operation", live->id},
                       {"kind", live->kind_name},
                       {"object", row.object_id},
                       {"step", step.name}};
  const bool may_cancel = !live->past_return();
  // A cancel that was accepted before a decisive step is heard as long as that has certainly done nothing.
  const bool untouched = step.decisive && !row.undoing && !live->unsure;
  const bool cancelled = (may_cancel || untouched) && live->cancel->is_set();
  if (!cancelled) crash_point(live->point("before"));
  // From here to its end the call may be given up, and then others go on with the operation: no look at *live between.
  const auto watch = live->call = std::make_shared<Watch>(*step.pool);
  watch->begin();
  const auto timer = timer_.after(limit + options_.grace, [this, live, watch, attempt = row.attempt] {
    if (watch->give_up()) hangs(live, attempt);
  });
  Commit commit;
  std::optional<std::string> keep;
  std::optional<Error> error;
  try {
    if (cancelled) throw Error(Code::cancelled, "cancelled on request");
    StepContext context{row, database_, registry_, {}, {}};
    context.call.id = row.id + "/" + step.name;
    context.call.request_id = row.request_id;
    context.call.epoch = static_cast<uint64_t>(row.attempt);
    context.call.deadline = std::chrono::steady_clock::now() + limit;
    if (may_cancel) context.call.cancel = live->cancel;
    context.call.progress = [live](uint64_t done, uint64_t total) {
      live->done_bytes = done;
      live->total_bytes = total;
    };
    commit = row.undoing ? step.undo(context) : step.run(context);
    keep = std::move(context.keep);
  } catch (const Error& e) {
    error = e;
  } catch (const std::exception& e) {
    error = Error(Code::internal, e.what());
  }
  if (!watch->end()) return came_back(live, row.attempt);
  timer_.cancel(timer);
  if (error) return step_failed(live, *error);
  crash_point(live->point("ran"));
  step_done(live, std::move(commit), std::move(keep));
}

// The call neither ended at its deadline nor heard that it should. From here on its outcome is nobody's.
void Engine::hangs(const LivePtr& live, long long attempt) {
  logger().error("operation {}: attempt {} of step '{}' has not returned {} s after its deadline; {} does not answer",
                 live->id, attempt, live->step().name, options_.grace.count() / 1000, live->step().pool->name());
  step_failed(live, Error(Code::unknown_outcome, fmt::format("{} does not answer: the call of step '{}' has not "
                                                             "returned after its deadline",
                                                             live->step().pool->name(), live->step().name)));
}

// Whether it did something is found out by the next attempt, which may run now.
void Engine::came_back(const LivePtr& live, long long attempt) {
  logger().warn("operation {}: attempt {} has returned, too late to be heard", live->id, attempt);
  if (end_wait(live, Waiting::pause, true)) advance(live);
}

void Engine::show_state(const LivePtr& live) {
  std::lock_guard lock(mutex_);
  live->shown_state = live->row.state;
}

void Engine::write(const LivePtr& live, std::shared_ptr<Entry> entry, store::Writer::Submitter who) {
  database_.writer().submit([entry](Tx& tx) { entry->body(tx); },
                            [this, live, entry](std::exception_ptr error) {
                              if (!error) return entry->then();
                              if (stopping_) return;  // the next start finds the journal as it was
                              std::string why;
                              try {
                                std::rethrow_exception(error);
                              } catch (const store::StoreFailure& e) {
                                why = e.what();
                              } catch (const Error& e) {
                                if (entry->refused) return entry->refused(e);
                                why = e.what();
                              } catch (const std::exception& e) {
                                if (entry->refused) return entry->refused(Error(Code::internal, e.what()));
                                why = e.what();
                              }
                              // What is not journalled did not happen, so the operation stands still meanwhile.
                              entry->pause = longer(entry->pause, options_);
                              logger().error("operation {} ({}) cannot be journalled and waits {} ms: {}", live->id,
                                             live->kind_name, entry->pause.count(), why);
                              timer_.after(entry->pause, [this, live, entry] { write(live, entry); });
                            },
                            who);
}

// Journals a new row together with `body`; `then` runs once it is durable.
void Engine::journal(const LivePtr& live, OperationRow row, std::function<void(Tx&)> body, std::function<void()> then,
                     std::function<void(const Error&)> refused, store::Writer::Submitter who) {
  row.updated_at = now_us();
  auto entry = std::make_shared<Entry>();
  entry->body = [row, body = std::move(body)](Tx& tx) {
    if (body) body(tx);
    store::update_operation(tx, row);
  };
  entry->then = [this, live, row, then = std::move(then)] {
    live->row = row;
    show_state(live);
    then();
  };
  entry->refused = std::move(refused);
  write(live, std::move(entry), who);
}

void Engine::step_done(const LivePtr& live, Commit commit, std::optional<std::string> keep) {
  auto row = live->row;
  if (keep) row.data = *std::move(keep);
  row.waits_for.clear();
  row.step = row.undoing ? to_undo(live->steps, row.step - 1) : row.step + 1;
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
        live->pause = {};
        live->failing_since.reset();
        live->unsure = false;
        last ? ended(live) : advance(live);
      },
      // The plugin did it, but said something that the store cannot take in.
      [this, live](const Error& e) {
        step_failed(live, live->step().decisive && !live->row.undoing ? Error(Code::unknown_outcome, e.what()) : e);
      },
      store::Writer::Submitter::may_wait);
}

void Engine::step_failed(const LivePtr& live, const Error& error) {
  if (stopping_) return;  // what a stop breaks off is resumed, not undone
  const auto now = std::chrono::steady_clock::now();
  if (!live->failing_since) live->failing_since = now;
  if (live->row.undoing) return pause(live, error);  // an undo is never given up
  const bool unknown = error.code() == Code::unknown_outcome;
  const bool transient = unknown || error.code() == Code::unavailable || error.code() == Code::busy;
  const bool undoable = !live->step().forward_only;
  live->unsure = live->unsure || unknown;
  if (transient) {
    if (undoable && !live->step().decisive && live->cancel->is_set())
      return start_undo(live, Error(Code::cancelled, fmt::format("cancelled on request, while: {}", error.what())));
    // Where nothing can clear away what a try may have done, only an answer ends the step.
    const bool may_give_up = undoable && !unknown && (!live->unsure || live->step().undo);
    if (!may_give_up || now - *live->failing_since <= options_.patience) return pause(live, error);
  }
  if (undoable) return start_undo(live, error);
  end(live, error);
}

void Engine::pause(const LivePtr& live, const Error& error) {
  live->pause = longer(live->pause, options_);
  auto row = live->row;
  row.state = state::waiting;
  row.waits_for = error.what();
  ++row.attempt;  // the try that did not answer may still be running somewhere: the next one uses names of its own
  log(row, spdlog::level::warn, fmt::format("operation waits {} ms: {}", live->pause.count(), error.what()));
  journal(live, row, nullptr, [this, live] {
    // A cancel that came while nothing waited found nobody to wake.
    const bool cancelled = live->cancel->is_set() && !live->past_return();
    wait(live, Waiting::pause, cancelled ? std::chrono::milliseconds(0) : live->pause);
  });
}

void Engine::start_undo(const LivePtr& live, const Error& error) {
  auto row = live->row;
  row.undoing = 1;
  row.step = to_undo(live->steps, row.step);
  if (row.step >= 0) row.step_name = live->steps.at(static_cast<size_t>(row.step)).name;
  row.state = state::undoing;
  row.error_code = to_string(error.code());
  row.error_message = error.what();
  row.waits_for.clear();
  journal(live, row, nullptr, [this, live] {
    live->pause = {};
    advance(live);
  });
}

// Ends as failed.
void Engine::end(const LivePtr& live, const Error& error) {
  auto row = live->row;
  row.state = state::failed;
  row.error_code = to_string(error.code());
  row.error_message = error.what();
  row.waits_for.clear();
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
  const auto& row = live->row;
  const auto took_us = now_us() - row.created_at;
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
  // Whoever waits for the end need not wait for these, too.
  const auto outcome = row.state == state::done ? std::string_view(state::done) : std::string_view(row.error_code);
  metrics::operation_ended(row.kind, outcome, static_cast<double>(took_us) / 1e6);
  log(row, spdlog::level::info,
      row.state == state::done ? std::string("operation done") : "operation failed: " + row.error_message);
}

// ---- from outside ---------------------------------------------------------------------------------------------------

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
  // Journalled first: a restart must not forget what was acknowledged. On the writer's thread the row stands still.
  database_.writer().transact([&](Tx& tx) { request_cancel(tx, live); });
  heed_cancel(live);
}

void Engine::request_cancel(Tx& tx, const LivePtr& live) {
  if (live->row.state == state::done || live->row.state == state::failed)
    throw Error(Code::conflict, "operation " + live->id + " has ended");
  if (live->past_return())
    throw Error(Code::conflict, fmt::format("operation {} cannot be cancelled any more: it {} '{}'", live->id,
                                            live->row.undoing ? "undoes" : "has come to", live->row.step_name));
  store::request_cancel(tx, live->id);
}

void Engine::heed_cancel(const LivePtr& live) {
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

void Engine::answers_again(const WorkerPool& pool) {
  std::vector<LivePtr> waiting;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, live] : live_)
      if (live->waiting == Waiting::pause && live->step().pool == &pool) waiting.push_back(live);
  }
  for (const auto& live : waiting)
    if (end_wait(live, Waiting::pause, true)) advance(live);
}

void Engine::resume() {
  auto rows = database_.read([](store::Session& db) { return store::live_operations(db); });
  // Those that had begun hold their locks; the others queue behind them in their old order.
  std::stable_partition(rows.begin(), rows.end(), [](const OperationRow& r) { return r.state != state::queued; });
  // All stand in the queues before the first one moves on.
  std::vector<LivePtr> begun, free, waiting;
  for (auto& row : rows) {
    const bool had_begun = row.state != state::queued;
    LivePtr live;
    bool holds = false;
    try {
      live = std::make_shared<Live>(row);
      database_.read([&](store::Session& db) {
        holds = locks_.acquire(row.id, live->kind->locks(db, row));
        if (had_begun) live->steps = live->kind->steps(db, registry_, row);
      });
      check_step(row, had_begun, live->steps.size());
    } catch (const Error& e) {
      const auto name = fmt::format("operation {} ({} of {})", row.id, row.kind, row.object_id);
      throw Error(
          Code::invalid,
          fmt::format("{}, which the last run did not finish, cannot be taken up: {}; put back what it needs, let "
                      "it end, then take it out",
                      for_log(name), for_log(e.what(), 1024)));
    }
    if (had_begun && !holds) logger().error("operation {} had begun without its locks; report this", row.id);
    live_[row.id] = live;
    (had_begun ? begun : holds ? free : waiting).push_back(live);
  }
  if (rows.empty()) return;
  logger().info("resuming {} operations that the last run left", rows.size());
  database_.writer().transact([&](Tx& tx) {
    for (const auto& live : begun) {
      ++live->row.attempt;
      live->unsure = !live->row.undoing;
      live->row.state = live->shown_state = live->row.undoing ? state::undoing : state::running;
      store::update_operation(tx, live->row);
    }
  });
  for (const auto& live : waiting) wait(live, Waiting::locks, options_.lock_wait);
  for (const auto& live : waiting)
    if (live->cancel->is_set() && end_wait(live, Waiting::locks, true))
      end(live, Error(Code::cancelled, "cancelled on request"));
  for (const auto& live : begun) advance(live);
  for (const auto& live : free) begin(live);
  for (const auto& live : waiting) ask_for_way(live);
}
}  // namespace vbs
