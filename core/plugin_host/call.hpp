// What the core gives along with every plugin call, and what it gets told during one.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace vbs {

// Set once by whoever cancels; read by the plugin through vbs_call.cancelled. Thread-safe.
class CancelFlag {
 public:
  void set() { value_.store(true, std::memory_order_relaxed); }
  bool is_set() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> value_{false};
};

struct Call {
  std::string id;          // for logs: operation id + "/" + step; without a slash it is a question
  std::string request_id;  // for logs
  uint64_t epoch = 1;      // attempt; names of new files carry it
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  std::shared_ptr<CancelFlag> cancel;  // may be null
  std::function<void(uint64_t done_bytes, uint64_t total_bytes)>
      progress;  // may be empty; called on the calling thread
};

}  // namespace vbs
