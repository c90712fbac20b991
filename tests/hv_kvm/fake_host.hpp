// The host's side of the plugin ABI, as small as a test needs it: JSON getters, a clock, calls that keep their results.
#pragma once
#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "vbs/plugin/hypervisor.hpp"

namespace vbs::test {

const vbs_host* fake_host();  // lives for ever

// One call and what it answered. Not to be moved: the plugin holds its address.
class TestCall {
 public:
  explicit TestCall(std::chrono::milliseconds limit = std::chrono::seconds(60));
  TestCall(const TestCall&) = delete;
  TestCall& operator=(const TestCall&) = delete;
  vbs_call* raw() { return &call_; }
  void cancel() { cancelled_ = true; }

  std::string error;  // the last fail()
  std::vector<plugin::Vm> vms;
  std::vector<plugin::Disk> disks;
  std::string facts;

 private:
  static TestCall& self(vbs_call* call) { return *static_cast<TestCall*>(call->host_data); }
  static void take(vbs_call* call, uint32_t kind, const void* item);
  vbs_call call_{};
  std::chrono::steady_clock::time_point end_;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace vbs::test
