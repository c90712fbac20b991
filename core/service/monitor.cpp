#include "core/service/monitor.hpp"

#include <fmt/format.h>

namespace vbs {
namespace {
constexpr std::chrono::seconds kPeriod{15};
constexpr std::chrono::seconds kAnswerLimit{20};  // of a question that a thread has begun
constexpr std::chrono::seconds kQueueLimit{120};  // of one that waits for a thread: long copies may hold all of them

long long seconds_since(std::chrono::steady_clock::time_point t) {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - t).count();
}
}  // namespace

void Monitor::start() {
  for (size_t i = 0; i < registry_.backends().size(); ++i) backends_.push_back(std::make_shared<State>());
  for (size_t i = 0; i < registry_.hosts().size(); ++i) hosts_.push_back(std::make_shared<State>());
  round();
}

void Monitor::round() {
  for (size_t i = 0; i < backends_.size(); ++i)
    ask(*registry_.backends()[i], backends_[i],
        [](StorageBackend& p, const Call& c) { return std::optional(p.capacity(c)); });
  for (size_t i = 0; i < hosts_.size(); ++i)
    if (!registry_.hosts()[i]->config.hypervisor.empty())
      ask(*registry_.hosts()[i], hosts_[i], [](Hypervisor& h, const Call& c) {
        h.facts(c);
        return std::optional<Capacity>();
      });
  timer_.after(kPeriod, [this] { round(); });
}

template <class Item, class F>
void Monitor::ask(Item& item, const std::shared_ptr<State>& state, F question) {
  {
    const std::lock_guard lock(state->mutex);
    if (state->asked) {
      if (state->began_at && Clock::now() - *state->began_at > kAnswerLimit) state->watch->give_up();
      return;
    }
    if (!item.slot.is_open()) return;
    state->asked = true;
    state->watch = std::make_shared<Watch>(item.slot.pool());
    state->asked_at = Clock::now();
    state->began_at.reset();
  }
  const bool taken = item.slot.pool().try_submit([&item, state, question] {
    std::shared_ptr<Watch> watch;
    {
      const std::lock_guard lock(state->mutex);
      state->began_at = Clock::now();
      watch = state->watch;
    }
    watch->begin();
    std::string error;
    std::optional<Capacity> capacity;
    try {
      Call call;
      call.id = "monitor";
      call.deadline = Clock::now() + kAnswerLimit;
      capacity = question(item.slot.plugin(), call);
    } catch (const std::exception& e) {
      error = e.what();
    }
    watch->end();
    const std::lock_guard lock(state->mutex);
    state->asked = false;
    state->error = error;
    state->capacity = capacity;
  });
  if (taken) return;
  const std::lock_guard lock(state->mutex);
  state->asked = false;
}

template <class Item>
Watched Monitor::look(Item& item, State& state) {
  Watched w;
  w.name = item.row.name;
  w.running = item.slot.pool().running();
  w.queued = item.slot.pool().queued();
  if (!item.slot.is_open()) {
    w.error = item.slot.error().empty() ? "not opened yet" : item.slot.error();
    return w;
  }
  const std::lock_guard lock(state.mutex);
  w.error = state.error;
  if (state.asked && state.began_at && seconds_since(*state.began_at) > kAnswerLimit.count())
    w.error = fmt::format("has not answered for {} s", seconds_since(*state.began_at));
  else if (state.asked && !state.began_at && seconds_since(state.asked_at) > kQueueLimit.count())
    w.error = fmt::format("calls have waited for {} s: all {} workers are busy, with copies or with calls that hang",
                          seconds_since(state.asked_at), item.config.workers);
  if (w.error.empty()) w.error = item.slot.trouble();  // what operations have found out
  w.up = w.error.empty();
  if (w.up) w.capacity = state.capacity;
  return w;
}

std::vector<Watched> Monitor::backends() const {
  std::vector<Watched> out;
  for (size_t i = 0; i < backends_.size(); ++i) out.push_back(look(*registry_.backends()[i], *backends_[i]));
  return out;
}

std::vector<Watched> Monitor::hosts() const {
  std::vector<Watched> out;
  for (size_t i = 0; i < hosts_.size(); ++i)
    if (!registry_.hosts()[i]->config.hypervisor.empty()) out.push_back(look(*registry_.hosts()[i], *hosts_[i]));
  return out;
}
}  // namespace vbs
