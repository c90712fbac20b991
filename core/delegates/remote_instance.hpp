// Private to core/delegates: one back-end's or host's instance, on whichever of its delegates has it. It is opened
// again by itself when its delegate was started anew; the owner's hook then runs before any other call is let in.
//
// With several delegates (a back-end of node scope "any") the first that answers has it. Another takes over when that
// one's lease is over, also that of an earlier run of vbsd. A step that changes a file in place then waits until the
// first has said that nothing of it runs any more: a call that hangs in a file system may outlive the lease and wake up
// later.
//
// Threading: any thread. Errors: those of the calls; Error(unavailable) while nothing answers.
#pragma once
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/delegates/delegate.pb.h"
#include "core/delegates/link.hpp"

namespace vbs {

class RemoteInstance {
 public:
  // `what`: kind, name, plugin, back-end's id and config. The links must outlive it.
  RemoteInstance(std::vector<DelegateLink*> links, wire::OpenRequest what);
  // Throws what the plugin's open threw. A later open that is refused is Error(unavailable) to whoever calls.
  void open(DelegateLink::Wait wait = DelegateLink::Wait::first);
  const InstanceFacts& facts() const;  // of the last open; stays valid
  void after_reopen(std::function<void()> hook);

  enum class Change { none, new_files, in_place };  // what the call does to what is there
  wire::Result run(const Call& call, const wire::Arguments& arguments, Change change);

 private:
  DelegateLink& ready(const Call& call, Change change);
  DelegateLink& choose() const;  // with mutex_ held
  struct Former;
  static bool is_quiet(const Former&);
  void check_former(const DelegateLink& now) const;
  void open_on(std::unique_lock<std::mutex>& lock, DelegateLink& link);

  const std::vector<DelegateLink*> links_;
  const wire::OpenRequest what_;
  mutable std::mutex mutex_;
  std::condition_variable opened_;
  DelegateLink* link_ = nullptr;  // that has it, or had it last
  std::string instance_;          // the run of it that has it open; empty: none
  bool ever_ = false, opening_ = false;
  bool moved_ = false;  // several delegates have had it, or may have had it before this vbsd
  std::thread::id opener_;
  struct Former {  // a delegate that had it until its lease was over, or may have had it before this vbsd
    const DelegateLink* link;
    std::string instance;  // the run of it; empty: not known
  };
  std::vector<Former> former_;
  std::vector<std::unique_ptr<InstanceFacts>> facts_;  // each open's; readers hold references
  std::function<void()> hook_;
};

}  // namespace vbs
