#include "core/delegates/server/call_table.hpp"

#include <vector>

#include "core/base/error.hpp"

namespace vbs {
namespace {
// Longer than any lease, after which nobody asks for a result any more.
constexpr std::chrono::minutes kKeepResult{3};
// Longer than a request can be under way.
constexpr std::chrono::minutes kKeepForbidden{30};
}  // namespace

std::shared_ptr<CallRecord> CallTable::begin(const std::string& id, const std::string& operation) {
  const std::lock_guard lock(mutex_);
  forget_old();
  if (forbidden_.count(id)) throw Error(Code::conflict, "the call comes too late: nobody waits for it any more");
  const auto [it, fresh] = calls_.emplace(id, nullptr);
  if (!fresh) throw Error(Code::conflict, "the call has begun before: follow it instead");
  it->second = std::make_shared<CallRecord>(operation, ++last_number_);
  return it->second;
}

std::shared_ptr<CallRecord> CallTable::find_or_forbid(const std::string& id) {
  const std::lock_guard lock(mutex_);
  if (const auto it = calls_.find(id); it != calls_.end()) return it->second;
  forbidden_[id] = CallRecord::Clock::now();
  return nullptr;
}

std::shared_ptr<CallRecord> CallTable::find(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto it = calls_.find(id);
  return it == calls_.end() ? nullptr : it->second;
}

void CallTable::wait_for_others(const CallRecord& record, CallRecord::Clock::time_point until) {
  if (record.operation().empty()) return;
  std::vector<std::shared_ptr<CallRecord>> others;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, other] : calls_)
      if (other->number() < record.number() && other->operation() == record.operation() && !other->ended_at())
        others.push_back(other);
  }
  for (const auto& other : others) other->abandon();
  for (const auto& other : others)
    if (!other->wait_for_end(until))
      throw Error(Code::unavailable, "an earlier call of this operation has not returned on the delegate");
}

void CallTable::abandon_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, record] : calls_) record->abandon();
}

size_t CallTable::running() const {
  const std::lock_guard lock(mutex_);
  size_t n = 0;
  for (const auto& [id, record] : calls_) n += record->ended_at() ? 0 : 1;
  return n;
}

void CallTable::forget_old() {
  const auto now = CallRecord::Clock::now();
  std::erase_if(calls_, [&](const auto& c) {
    const auto ended = c.second->ended_at();
    return ended && now - *ended > kKeepResult;
  });
  std::erase_if(forbidden_, [&](const auto& f) { return now - f.second > kKeepForbidden; });
}

}  // namespace vbs
