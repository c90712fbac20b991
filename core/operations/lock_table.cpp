#include "core/operations/lock_table.hpp"

#include <algorithm>

namespace vbs {

bool LockTable::acquire(const std::string& owner, const std::vector<LockRequest>& requests) {
  std::lock_guard lock(mutex_);
  owners_[owner] = requests;
  for (const auto& r : requests) queues_[r.object].push_back({owner, r.exclusive});
  if (!granted(owner)) return false;
  holding_.insert(owner);
  return true;
}

// Held when everyone before it in each queue is compatible with it: all shared.
bool LockTable::granted(const std::string& owner) const {
  for (const auto& r : owners_.at(owner))
    for (const auto& place : queues_.at(r.object)) {
      if (place.owner == owner) break;
      if (place.exclusive || r.exclusive) return false;
    }
  return true;
}

std::vector<std::string> LockTable::release(const std::string& owner) {
  std::lock_guard lock(mutex_);
  const auto it = owners_.find(owner);
  if (it == owners_.end()) return {};
  std::vector<std::string> candidates;
  for (const auto& r : it->second) {
    auto& queue = queues_.at(r.object);
    std::erase_if(queue, [&](const Place& p) { return p.owner == owner; });
    for (const auto& p : queue)
      if (!holding_.count(p.owner) && std::find(candidates.begin(), candidates.end(), p.owner) == candidates.end())
        candidates.push_back(p.owner);
    if (queue.empty()) queues_.erase(r.object);
  }
  owners_.erase(it);
  holding_.erase(owner);
  std::vector<std::string> now_holding;
  for (const auto& c : candidates)
    if (granted(c)) {
      holding_.insert(c);
      now_holding.push_back(c);
    }
  return now_holding;
}

bool LockTable::holds(const std::string& owner) const {
  std::lock_guard lock(mutex_);
  return holding_.count(owner) > 0;
}

std::set<std::string> LockTable::blockers(const std::string& owner) const {
  std::lock_guard lock(mutex_);
  std::set<std::string> out;
  const auto it = owners_.find(owner);
  if (it == owners_.end()) return out;
  for (const auto& r : it->second)
    for (const auto& place : queues_.at(r.object)) {
      if (place.owner == owner) break;
      if (place.exclusive || r.exclusive) out.insert(place.owner);
    }
  return out;
}
}  // namespace vbs
