// Private to core/delegates: vbsd's end of the way to one delegate: connection, greeting, lease, calls.
//
// A thread of its own greets and renews the lease every few seconds, and so finds out whether the delegate answers.
// A call is sent only while it does. If the connection then breaks, the call is followed again as soon as there is a
// new one to the same run of the delegate; when that run has ended, or the lease is over, its outcome is unknown.
//
// Threading: any thread; call() reports progress and log lines on the calling thread.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/delegates/delegate.pb.h"
#include "core/delegates/delegate_config.hpp"
#include "core/delegates/status.hpp"
#include "core/plugin_host/call.hpp"
#include "core/plugin_host/storage_backend.hpp"

namespace vbs {

struct LinkOptions {
  std::chrono::milliseconds lease{15000}, renew_every{3000};
  std::chrono::milliseconds late{5000};  // how long after its deadline a call is still waited for
};

class DelegateLink {
 public:
  using Clock = std::chrono::steady_clock;
  // `holder`: random, of this run of vbsd; `up`: called on the link's own thread whenever it answers again. Throws
  // Error for an unusable address or certificate.
  DelegateLink(const DelegateConfig& config, const DelegateTls& tls, std::string holder, std::function<void()> up,
               LinkOptions options = {});
  ~DelegateLink();  // no call may be under way
  DelegateLink(const DelegateLink&) = delete;
  DelegateLink& operator=(const DelegateLink&) = delete;

  const std::string& name() const;
  DelegateStatus status() const;
  // The run of the delegate that answers now; empty: none does.
  std::string instance() const;
  // Error(unavailable) saying why nothing is heard of it, after waiting at most until `until` for the first greeting,
  // or, where that may fail because the delegate is only being started, for one that succeeds.
  enum class Wait { first, success };
  void wait_until_up(Clock::time_point until, Wait wait = Wait::first) const;
  // Nothing that was sent before may still run there then, not even by an earlier run of vbsd.
  Clock::time_point lease_end() const;
  // How many calls ran there when it was heard of last.
  uint64_t running() const;

  // Throws what the plugin's open threw; Error(unavailable).
  InstanceFacts open(wire::OpenRequest request);
  // `request` has kind, name and arguments. The answer may be a failure: with field "instance" or "lease" it certainly
  // has not begun, and neither has it where Error(unavailable) is thrown. Error(unknown_outcome) otherwise.
  wire::Result call(const Call& call, wire::CallRequest request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vbs
