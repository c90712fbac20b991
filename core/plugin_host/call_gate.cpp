#include "core/plugin_host/call_gate.hpp"

#include <fmt/format.h>

#include "core/base/error.hpp"

namespace vbs {

CallGate::Pass CallGate::enter(const Call& call) {
  std::unique_lock lock(mutex_);
  while (limit_ != 0 && inside_ >= limit_) {
    if (call.cancel && call.cancel->is_set())
      throw Error(Code::cancelled, "cancelled on request before the plugin was called");
    const auto now = std::chrono::steady_clock::now();
    if (now >= call.deadline)
      throw Error(
          Code::busy,
          fmt::format("the plugin takes {} calls at a time, and none ended before this one's deadline", limit_));
    const auto wait = call.cancel ? std::min(call.deadline, now + std::chrono::milliseconds(50)) : call.deadline;
    freed_.wait_until(lock, wait);
  }
  ++inside_;
  return Pass(*this);
}

void CallGate::leave() {
  {
    const std::lock_guard lock(mutex_);
    --inside_;
  }
  freed_.notify_one();
}

}  // namespace vbs
