// The highest attempt of each operation that this delegate has been asked for, on disk: a call of an earlier attempt
// that comes late, over a connection that hung or after a restart, is refused. Attempts count within an operation, so
// that is what they are kept by; first attempts are not written down, for nothing is older.
//
// A line an entry, synced before the call begins. The file is written anew when it is opened, without what is older
// than a month: a live operation is tried again at least daily.
//
// Threading: any thread. Errors: Error(unavailable) with the system's reason.
#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "core/base/unique_fd.hpp"

namespace vbs {

class Epochs {
 public:
  explicit Epochs(std::string file);
  // Error(conflict) where a later attempt has been seen.
  void admit(const std::string& operation, uint64_t epoch);

 private:
  struct Entry {
    uint64_t epoch = 0;
    int64_t seen_at_us = 0;
  };
  void load();
  const std::string file_;
  std::mutex mutex_;
  std::map<std::string, Entry> highest_;
  UniqueFd fd_;
};

}  // namespace vbs
