// The delegate's side of the lease: one run of vbsd (the holder) at a time may have work done here, for as long as it
// keeps saying so. The delegate stops after two thirds of the time that it was given, vbsd counts on all of it, from
// before it asked: what lies between is for ending calls and their child processes. So work that vbsd gives to another
// delegate after the whole lease meets nothing of this one.
//
// Threading: any thread.
#pragma once
#include <chrono>
#include <mutex>
#include <string>

namespace vbs {

class Lease {
 public:
  using Clock = std::chrono::steady_clock;
  // Another holder takes it over at once: only one vbsd runs on a store, so the former one has ended.
  // True: there was another one, whose calls are to end.
  bool take(const std::string& holder, std::chrono::milliseconds time);
  bool renew(const std::string& holder, std::chrono::milliseconds time);  // false: it has to be taken again
  void check(const std::string& holder) const;                            // Error(unavailable) unless held by that one
  // True once, when the time is over.
  bool ran_out();

 private:
  bool held() const { return !holder_.empty() && Clock::now() < until_; }
  mutable std::mutex mutex_;
  std::string holder_;
  Clock::time_point until_{};
};

}  // namespace vbs
