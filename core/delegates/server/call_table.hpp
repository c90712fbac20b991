// The calls of a delegate by their id: those that run, those that ended a short while ago, and those that must never
// begin because somebody has asked for them in vain.
//
// Threading: any thread.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/delegates/server/call_record.hpp"

namespace vbs {

class CallTable {
 public:
  // Error(conflict): the id has been asked for in vain, or is in use.
  std::shared_ptr<CallRecord> begin(const std::string& id, const std::string& operation);
  // Null: there is none, and from now on it cannot begin.
  std::shared_ptr<CallRecord> find_or_forbid(const std::string& id);
  std::shared_ptr<CallRecord> find(const std::string& id) const;
  // A plugin never has two calls at once for one operation: an earlier one is told to end, and waited for until then.
  // Error(unavailable) if it does not.
  void wait_for_others(const CallRecord& record, CallRecord::Clock::time_point until);
  void abandon_all();
  size_t running() const;

 private:
  void forget_old();
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<CallRecord>> calls_;
  uint64_t last_number_ = 0;
  std::map<std::string, CallRecord::Clock::time_point> forbidden_;
};

}  // namespace vbs
