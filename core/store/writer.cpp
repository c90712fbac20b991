#include "core/store/writer.hpp"

#include <chrono>
#include <future>

#include "core/base/log.hpp"
#include "core/base/metrics.hpp"

namespace vbs::store {
namespace {
constexpr size_t kMaxBatch = 256;  // bounds how long the first of a batch waits for the last
}

Writer::Writer(const std::string& path) : session_(path, Session::Access::read_write), thread_([this] { loop(); }) {}

Writer::~Writer() { stop(); }

void Writer::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Writer::submit(Body body, Done done, Submitter who) {
  std::unique_lock lock(mutex_);
  if (stopped_) {
    lock.unlock();
    return done(std::make_exception_ptr(Error(Code::unavailable, "the store is closed: vbsd is stopping")));
  }
  queue_.push_back({std::move(body), std::move(done), nullptr, nullptr});
  if (writing_) return;  // who writes wakes the next one
  if (who == Submitter::may_wait) write_waiting(lock);
  const bool wake = !queue_.empty() || stopping_;
  lock.unlock();
  if (wake) wake_.notify_one();
}

void Writer::transact(const Body& body) {
  std::promise<void> promise;
  auto result = promise.get_future();
  submit(
      body, [&](std::exception_ptr e) { e ? promise.set_exception(e) : promise.set_value(); }, Submitter::may_wait);
  result.get();
}

void Writer::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return !writing_ && (stopping_ || !queue_.empty()); });
    if (queue_.empty()) {
      stopped_ = true;
      return;
    }
    write_waiting(lock);
  }
}

void Writer::write_waiting(std::unique_lock<std::mutex>& lock) noexcept {
  writing_ = true;
  std::vector<Job> batch;
  while (!queue_.empty() && batch.size() < kMaxBatch) {
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  lock.unlock();
  run_batch(batch);
  for (auto& job : batch) {
    for (auto& f : job.error ? job.tx->undone_ : job.tx->committed_) f();
    if (job.done) job.done(job.error);
  }
  batch.clear();  // what the jobs hold is released outside the lock
  lock.lock();
  writing_ = false;
}

void Writer::run_batch(std::vector<Job>& batch) {
  for (auto& job : batch) job.tx = std::make_unique<Tx>(session_);
  const auto begin = std::chrono::steady_clock::now();
  try {
    session_.run("BEGIN IMMEDIATE");
    if (batch.size() == 1)
      run_alone(batch.front());
    else
      for (auto& job : batch) run_one(job);
    session_.run(batch.size() == 1 && batch.front().error ? "ROLLBACK" : "COMMIT");
    metrics::store_committed(batch.size(),
                             std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    failing_ = false;
  } catch (const std::exception& e) {
    metrics::store_commit_failed();
    failing_ = true;
    logger().error("store: a commit of {} transactions failed: {}", batch.size(), e.what());
    const auto error = std::current_exception();
    try {
      session_.run("ROLLBACK");
    } catch (const std::exception&) {
      // SQLite has already rolled back by itself (as it does on SQLITE_FULL and SQLITE_IOERR).
    }
    for (auto& job : batch)
      if (!job.error) job.error = error;
  }
}

// The transaction is its savepoint.
void Writer::run_alone(Job& job) {
  try {
    job.body(*job.tx);
  } catch (...) {
    job.error = std::current_exception();
  }
}

void Writer::run_one(Job& job) {
  session_.run("SAVEPOINT job");
  try {
    job.body(*job.tx);
  } catch (...) {
    job.error = std::current_exception();
    try {
      session_.run("ROLLBACK TO job");
    } catch (const std::exception&) {
      // SQLite has rolled back all of it (sqlite.org/lang_transaction.html: FULL, IOERR, NOMEM); the cause says why.
      std::rethrow_exception(job.error);
    }
  }
  session_.run("RELEASE job");
}
}  // namespace vbs::store
