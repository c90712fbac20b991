// Locks of operations on objects (volume, snapshot, export, VM), by name. An operation names all its locks at once and
// waits in the queue of each in the order of admission, so two operations can never wait for each other, and nobody is
// overtaken for ever.
//
// Lives in memory: the journal's live operations, admitted again in their order at start, give the same table.
// Threading: any thread.
#pragma once
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace vbs {

struct LockRequest {
  std::string object;  // "volume:ID", "vm:HOST/UUID", ...
  bool exclusive = true;
};

class LockTable {
 public:
  // Queues `owner` for all of `requests`; true if it holds them all now. One call an owner.
  bool acquire(const std::string& owner, const std::vector<LockRequest>& requests);
  // Gives everything back, also a place in a queue; answers who holds all of theirs because of that, in order.
  std::vector<std::string> release(const std::string& owner);
  bool holds(const std::string& owner) const;
  // Those who stand before `owner` in some queue and are in its way.
  std::set<std::string> blockers(const std::string& owner) const;

 private:
  struct Place {
    std::string owner;
    bool exclusive;
  };
  bool granted(const std::string& owner) const;
  mutable std::mutex mutex_;
  std::map<std::string, std::deque<Place>> queues_;
  std::map<std::string, std::vector<LockRequest>> owners_;
  std::set<std::string> holding_;
};

}  // namespace vbs
