// The core of vbsd put together: store, plugins, back-ends and hosts, engine, users. The functions of this directory
// are what adapters call; each takes the Core and the Caller, checks rights through core/identity/policy.hpp, and
// throws Error.
//
// Threading: any thread but the writer's and the timer's: these functions wait for commits, and some for plugin calls.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/timer.hpp"
#include "core/base/worker_pool.hpp"
#include "core/delegates/delegates.hpp"
#include "core/identity/directory.hpp"
#include "core/identity/policy.hpp"
#include "core/operations/engine.hpp"
#include "core/operations/registry.hpp"
#include "core/plugin_host/plugin_host.hpp"
#include "core/service/config.hpp"
#include "core/service/monitor.hpp"
#include "core/store/database.hpp"

namespace vbs {

struct Caller {
  Principal who;
  std::string request_id;
  std::string token, request_hash;  // Idempotency-Key, and the hash of what came with it; empty: none
};

// An operation that is journalled, and the object that it is about.
struct Admitted {
  std::string object_id, operation_id;
};

class Core {
 public:
  // `source`: where instances come from instead of `plugins` (tests); must live as long as the core.
  // `spawn`: how delegates beside this process are started.
  Core(const Config& config, PluginHostOptions plugins, EngineOptions engine = {}, PluginSource* source = nullptr,
       SpawnOptions spawn = {});
  ~Core();  // stops: running plugin calls are waited for, the journal keeps what is not finished
  void start();

  // Admits an operation and waits until that is durable. `prepare` puts the rows that announce it, in the same
  // transaction. With a token that was used before: what it led to then, or Error(conflict) if the request was another.
  Admitted admit(const Caller& caller, store::OperationRow operation, std::function<void(store::Tx&)> prepare);
  // The same for those whose object may have gone since, so that admit() would not be reached: a repeated delete.
  std::optional<Admitted> admitted_before(const Caller& caller);

  const Config config;
  store::Database database;
  Timer timer;
  PluginHost plugins;
  Delegates delegates;
  Registry registry;
  Engine engine;
  Directory directory;
  Monitor monitor;

 private:
  void wake_what_runs_on(const std::string& delegate);
  void housekeeping();
  void watch_vms();
  void watch_chains();
  WorkerPool background_{"background", 1, 16};
};

[[noreturn]] void throw_token_reused();  // Error(conflict)

// A new operation of the caller's.
store::OperationRow new_operation(const Caller&, const char* kind, const char* object_kind,
                                  const std::string& object_id, std::string params = "{}");

}  // namespace vbs
