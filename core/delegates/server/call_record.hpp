// One call that a delegate runs: what it has said so far and how it ended, for whoever follows it. It outlives the
// connection on which it came, so that a result whose acknowledgement was lost can be asked for again.
//
// Threading: any thread; log(), progress() and finish() are those of the thread that runs the call.
#pragma once
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/delegates/delegate.pb.h"
#include "core/plugin_host/call.hpp"

namespace vbs {

class CallRecord {
 public:
  using Clock = std::chrono::steady_clock;
  CallRecord(std::string operation, uint64_t number) : operation_(std::move(operation)), number_(number) {}
  const std::string& operation() const { return operation_; }  // empty: a question
  uint64_t number() const { return number_; }                  // in the order in which calls came
  const std::shared_ptr<CancelFlag>& cancel() const { return cancel_; }

  void log(int level, std::string text);  // beyond a thousand lines none is kept
  void progress(uint64_t done, uint64_t total);
  void finish(wire::Result result);
  std::optional<Clock::time_point> ended_at() const;
  bool wait_for_end(Clock::time_point until) const;

  // How far a follower is.
  struct Place {
    size_t lines = 0;
    uint64_t progress = 0;
  };
  // The next event after `place`; nothing before `until`: nullopt.
  std::optional<wire::CallEvent> next(Place& place, Clock::time_point until) const;

  // The call is told to end though nobody asked for that: of a failure nobody can say then what it has left.
  void abandon();
  bool abandoned() const;

 private:
  const std::string operation_;
  const uint64_t number_;
  const std::shared_ptr<CancelFlag> cancel_ = std::make_shared<CancelFlag>();
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<wire::LogLine> lines_;
  uint64_t progressed_ = 0, done_ = 0, total_ = 0;
  std::optional<wire::Result> result_;
  Clock::time_point ended_at_{};
  bool abandoned_ = false;
};

// While it lives, lines that its thread logs at level info and above go to the record, too.
class LogTap {
 public:
  explicit LogTap(CallRecord& record);
  ~LogTap();
  LogTap(const LogTap&) = delete;
  LogTap& operator=(const LogTap&) = delete;
  static void install();  // once, before the first call

 private:
  CallRecord* const before_;
};

}  // namespace vbs
