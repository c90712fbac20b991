// Lets at most so many calls into one instance at a time (what its open() declared).
#pragma once
#include <condition_variable>
#include <mutex>

#include "core/plugin_host/call.hpp"

namespace vbs {

class CallGate {
 public:
  explicit CallGate(uint32_t limit) : limit_(limit) {}  // 0 = no limit

  class Pass {
   public:
    explicit Pass(CallGate& gate) : gate_(gate) {}
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    ~Pass() { gate_.leave(); }

   private:
    CallGate& gate_;
  };
  // Waits for a place until the call's deadline. Throws Error(busy), or Error(cancelled): nothing was done then.
  Pass enter(const Call& call);

 private:
  void leave();
  const uint32_t limit_;
  std::mutex mutex_;
  std::condition_variable freed_;
  uint32_t inside_ = 0;
};

}  // namespace vbs
