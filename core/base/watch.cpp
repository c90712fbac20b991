#include "core/base/watch.hpp"

namespace vbs {

bool Watch::begin() {
  const std::lock_guard lock(mutex_);
  if (state_ != State::queued) return false;
  state_ = State::running;
  return true;
}

bool Watch::end() {
  const std::lock_guard lock(mutex_);
  const bool in_time = state_ == State::running;
  if (state_ == State::hangs) pool_.thread_came_back();
  state_ = State::ended;
  return in_time;
}

bool Watch::give_up() {
  const std::lock_guard lock(mutex_);
  if (state_ == State::queued) {
    state_ = State::dropped;
    return true;
  }
  if (state_ != State::running) return false;
  state_ = State::hangs;
  pool_.thread_lost();
  return true;
}

bool Watch::hangs() const {
  const std::lock_guard lock(mutex_);
  return state_ == State::hangs;
}

}  // namespace vbs
