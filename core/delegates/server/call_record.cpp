#include "core/delegates/server/call_record.hpp"

#include <spdlog/sinks/base_sink.h>

#include "core/base/log.hpp"

namespace vbs {
namespace {
constexpr size_t kMostLines = 1000;
thread_local CallRecord* tapped = nullptr;

class TapSink : public spdlog::sinks::sink {
 public:
  TapSink() { set_level(spdlog::level::info); }
  void log(const spdlog::details::log_msg& m) override {
    if (tapped) tapped->log(static_cast<int>(m.level), std::string(m.payload.data(), m.payload.size()));
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}
};
}  // namespace

LogTap::LogTap(CallRecord& record) : before_(tapped) { tapped = &record; }
LogTap::~LogTap() { tapped = before_; }
void LogTap::install() { logger().sinks().push_back(std::make_shared<TapSink>()); }

void CallRecord::log(int level, std::string text) {
  const std::lock_guard lock(mutex_);
  if (lines_.size() >= kMostLines) return;
  lines_.emplace_back();
  lines_.back().set_level(level);
  lines_.back().set_text(std::move(text));
  changed_.notify_all();
}

void CallRecord::progress(uint64_t done, uint64_t total) {
  const std::lock_guard lock(mutex_);
  ++progressed_;
  done_ = done;
  total_ = total;
  changed_.notify_all();
}

void CallRecord::finish(wire::Result result) {
  const std::lock_guard lock(mutex_);
  result_ = std::move(result);
  ended_at_ = Clock::now();
  changed_.notify_all();
}

std::optional<CallRecord::Clock::time_point> CallRecord::ended_at() const {
  const std::lock_guard lock(mutex_);
  return result_ ? std::optional(ended_at_) : std::nullopt;
}

bool CallRecord::wait_for_end(Clock::time_point until) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, until, [&] { return result_.has_value(); });
}

std::optional<wire::CallEvent> CallRecord::next(Place& place, Clock::time_point until) const {
  std::unique_lock lock(mutex_);
  const auto news = [&] { return place.lines < lines_.size() || place.progress < progressed_ || result_; };
  if (!changed_.wait_until(lock, until, news)) return std::nullopt;
  wire::CallEvent event;
  if (place.lines < lines_.size()) {
    *event.mutable_log() = lines_[place.lines++];
  } else if (place.progress < progressed_) {
    place.progress = progressed_;
    event.mutable_progress()->set_done(done_);
    event.mutable_progress()->set_total(total_);
  } else {
    *event.mutable_result() = *result_;
  }
  return event;
}

void CallRecord::abandon() {
  {
    const std::lock_guard lock(mutex_);
    if (!result_) abandoned_ = true;
  }
  cancel_->set();
}

bool CallRecord::abandoned() const {
  const std::lock_guard lock(mutex_);
  return abandoned_;
}

}  // namespace vbs
