// SPDX-License-Identifier: MIT
//
// One directory: the state that all instances of this process share, the faults that are set, and the log of calls.
//
//   DIRECTORY/objects, layers, exports, plugs   records; disks: an empty file for each layer
//   DIRECTORY/backend                           the marker: id of the back-end
//   DIRECTORY/faults                            rules in the place of the configured ones; read again when it changes
//   DIRECTORY/calls                             a line for each call: NUMBER CALL OBJECT ATTEMPT [FAULT]; "= RULES"
//   where
//                                               others came; "! TEXT" for a breach of what the core must keep. It is
//                                               how the counts outlive a SIGKILL.
//
// Threading: any thread. The state is locked while a call works on it, not while it is delayed or hangs.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "records.hpp"
#include "rules.hpp"
#include "vbs/plugin/plugin.hpp"

namespace vbs::faulty {

struct Config {
  std::string directory, faults, node;
  bool layers = false;
  unsigned vms = 0;
  Config(const plugin::Host& host, std::string_view json);
};

class World {
 public:
  // The one of this process for config.directory. Throws Error(VBS_UNAVAILABLE) where the directory is not there or
  // another process has it, Error(VBS_INVALID) for faults that are none.
  static std::shared_ptr<World> at(const plugin::Host& host, const Config& config);
  World(const plugin::Host& host, const Config& config);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  void mark(const std::string& backend_id);  // Throws Error(VBS_INVALID) if the directory is another's

  // Runs f(State&) as one call, with the fault that is its turn. `object`: what it changes, empty for a question.
  template <class F>
  auto run(plugin::Call& call, const char* name, const std::string& object, F&& f) {
    const Turn turn(*this, call, name, object);
    turn.before();
    if constexpr (std::is_void_v<decltype(f(state_))>) {
      locked([&] { f(state_); });
      turn.after();
    } else {
      auto result = locked([&] { return f(state_); });
      turn.after();
      return result;
    }
  }
  void check_marker() const;                               // Throws Error(VBS_UNAVAILABLE)
  void require(const std::optional<std::string>& breach);  // inside run: throws Error(VBS_INTERNAL) for one

 private:
  class Turn {  // of one call
   public:
    Turn(World& world, plugin::Call& call, const char* name, const std::string& object);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    void before() const { strike(false); }
    void after() const { strike(true); }

   private:
    void strike(bool after) const;
    void pause(bool hears) const;
    World& world_;
    plugin::Call& call_;
    const std::string name_, object_;
    Fault fault_;
    uint64_t ms_ = 0;
    std::string rules_;
  };
  template <class F>
  auto locked(F&& f) {
    const std::lock_guard lock(mutex_);
    return f();
  }
  void read_log();
  void refresh_rules();
  std::string rules_now() const;
  void write(const std::string& line) const;

  const plugin::Host host_;
  const std::string directory_, configured_;
  int lock_ = -1, log_ = -1;
  mutable std::mutex mutex_;
  std::string rules_text_;
  Rules rules_;
  bool read_rules_ = false;
  uint64_t number_ = 0;
  std::map<std::string, uint64_t> seen_;  // calls of a name since the rules came
  std::set<std::string> changing_;        // objects with a changing call inside
  State state_;
};

}  // namespace vbs::faulty
