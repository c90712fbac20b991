#include "core/delegates/server/lease.hpp"

#include "core/base/error.hpp"

namespace vbs {

bool Lease::take(const std::string& holder, std::chrono::milliseconds time) {
  const std::lock_guard lock(mutex_);
  const bool other = !holder_.empty() && holder_ != holder;
  holder_ = holder;
  until_ = Clock::now() + time * 2 / 3;
  return other;
}

bool Lease::renew(const std::string& holder, std::chrono::milliseconds time) {
  const std::lock_guard lock(mutex_);
  if (holder_ != holder || !held()) return false;
  until_ = Clock::now() + time * 2 / 3;
  return true;
}

void Lease::check(const std::string& holder) const {
  const std::lock_guard lock(mutex_);
  if (holder_ == holder && held()) return;
  throw Error(Code::unavailable,
              holder_ == holder || holder_.empty() ? "the delegate's lease has run out; vbsd takes it again by itself"
                                                   : "the delegate works for another run of vbsd",
              "lease");
}

bool Lease::ran_out() {
  const std::lock_guard lock(mutex_);
  if (holder_.empty() || held()) return false;
  holder_.clear();
  return true;
}

}  // namespace vbs
