// Watches back-ends and hosts, so that /metrics and the health page can say at once, and without asking anybody, what
// works and what does not. Each is asked every 15 s, in its own worker pool, and never again before it has answered:
// one that hangs costs one thread of its own pool.
//
// Threading: any thread. start() once, after the registry's.
#pragma once
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/base/timer.hpp"
#include "core/base/watch.hpp"
#include "core/operations/registry.hpp"

namespace vbs {

struct Watched {
  std::string name;
  bool up = false;
  std::string error;                 // why not
  std::optional<Capacity> capacity;  // of a back-end that is up
  size_t running = 0, queued = 0;    // calls of its pool
};

class Monitor {
 public:
  Monitor(Registry& registry, Timer& timer) : registry_(registry), timer_(timer) {}
  void start();
  std::vector<Watched> backends() const;
  std::vector<Watched> hosts() const;  // those without a hypervisor are not asked, and left out

 private:
  using Clock = std::chrono::steady_clock;
  struct State {  // outlives the monitor in a call that hangs
    std::mutex mutex;
    bool asked = false;                         // a question is under way
    Clock::time_point asked_at;                 // when it was queued,
    std::optional<Clock::time_point> began_at;  // and when a thread took it
    std::shared_ptr<Watch> watch;               // over that thread, which is replaced if it does not come back
    std::string error;
    std::optional<Capacity> capacity;
  };
  template <class Item, class F>
  void ask(Item& item, const std::shared_ptr<State>& state, F question);
  template <class Item>
  static Watched look(Item& item, State& state);
  void round();

  Registry& registry_;
  Timer& timer_;
  std::vector<std::shared_ptr<State>> backends_, hosts_;  // in the registry's order; fixed after start()
};

}  // namespace vbs
