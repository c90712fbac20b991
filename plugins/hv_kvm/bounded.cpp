#include "bounded.hpp"

#include <signal.h>

#include <algorithm>

namespace vbs::kvm {

void block_signals() {
  sigset_t set;
  sigfillset(&set);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT}) sigdelset(&set, fault);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void Bounded::admit(const std::string& away) const {
  if (++*running_ > max_threads) {
    --*running_;
    throw plugin::Error(VBS_UNAVAILABLE, away + ": " + std::to_string(max_threads) +
                                             " earlier calls still wait for it; restart libvirtd");
  }
}

std::chrono::milliseconds Bounded::slice(const plugin::Call& call) {
  return std::chrono::milliseconds(std::clamp<int64_t>(call.remaining_ms(), 1, 50));
}

bool Bounded::over(const plugin::Call& call, bool cancellable) {
  return call.remaining_ms() <= 0 || (cancellable && call.cancelled());
}

}  // namespace vbs::kvm
