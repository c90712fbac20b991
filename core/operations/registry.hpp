// The configured back-ends and hosts with their opened plugin instances and the worker pool of each. What cannot be
// opened at start (a file system that is not mounted, say) is tried again every few seconds; until then its calls fail
// with the reason.
//
// Threading: any thread after start(). The pointers stay valid as long as the registry.
#pragma once
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/timer.hpp"
#include "core/base/worker_pool.hpp"
#include "core/connectors/connector.hpp"
#include "core/plugin_host/plugin_source.hpp"
#include "core/store/database.hpp"
#include "core/store/rows.hpp"

namespace vbs {

struct BackendConfig {
  std::string name, plugin, config = "{}";  // config: JSON object for the plugin
  size_t workers = 4;                       // plugin calls at once
  std::vector<std::string> delegates;       // that may run it, in this order; none: this process
  Place place() const { return {name, delegates}; }
};

struct HostConfig {
  std::string name, hypervisor, config = "{}", initiator;
  std::vector<std::string> aliases;
  std::string delegate;  // that runs hypervisor and connectors there; empty: this process
  Place place() const { return {name, delegate.empty() ? std::vector<std::string>{} : std::vector{delegate}}; }
  size_t workers = 4;
};

// A plugin instance that may not be open yet.
template <class Plugin>
class Slot {
 public:
  Slot(std::string label, size_t workers) : label_(std::move(label)), pool_(label_, workers, 100000) {}
  WorkerPool& pool() { return pool_; }
  // Throws Error(unavailable) with the reason while it is not open.
  Plugin& plugin() const {
    std::lock_guard lock(mutex_);
    if (!plugin_)
      throw Error(Code::unavailable, label_ + " is not available: " + (error_.empty() ? "not opened yet" : error_));
    return *plugin_;
  }
  bool is_open() const {
    std::lock_guard lock(mutex_);
    return plugin_ != nullptr;
  }
  std::string error() const {
    std::lock_guard lock(mutex_);
    return error_;
  }
  // Why it is not to be relied on now: error(), or calls that have not returned long after their deadline.
  std::string trouble() const {
    if (const auto hanging = pool_.lost())
      return label_ + " does not answer: " + std::to_string(hanging) + " calls to it have not returned";
    return error();
  }
  void set(std::unique_ptr<Plugin> plugin, const std::string& error) {
    std::lock_guard lock(mutex_);
    if (plugin) plugin_ = std::move(plugin);
    error_ = error;
  }

 private:
  const std::string label_;
  mutable std::mutex mutex_;
  std::unique_ptr<Plugin> plugin_;
  std::string error_;
  WorkerPool pool_;  // last: its threads end before the plugin does
};

struct Backend {
  Backend(store::BackendRow r, BackendConfig c)
      : row(std::move(r)), config(std::move(c)), slot("back-end " + row.name, config.workers) {}
  store::BackendRow row;
  BackendConfig config;
  Slot<StorageBackend> slot;
};

struct Host {
  Host(store::HostRow r, HostConfig c)
      : row(std::move(r)), config(std::move(c)), slot("host " + row.name, config.workers) {}
  Connector& connector(const std::string& kind) const;  // Error(not_supported)
  store::HostRow row;
  HostConfig config;
  std::map<std::string, std::unique_ptr<Connector>> connectors = local_connectors();  // by kind of connection
  Slot<Hypervisor> slot;
};

class Registry {
 public:
  Registry(PluginSource& plugins, store::Database& database, Timer& timer)
      : plugins_(plugins), database_(database), timer_(timer) {}
  ~Registry();

  // Writes the configured ones into the store, opens what can be opened. Throws Error(invalid) for a wrong
  // configuration.
  void start(const std::vector<BackendConfig>& backends, const std::vector<HostConfig>& hosts);
  // How long start() waits for one plugin to open; afterwards it goes on, and that one counts as not answering.
  std::chrono::milliseconds open_limit{30000};
  void stop();             // ends the pools; running calls finish
  size_t hanging() const;  // calls that do not come back: stop() would wait for them

  Backend& backend(const std::string& id) const;            // also one that is no longer configured
  Backend& backend_by_name(const std::string& name) const;  // "": the first; Error(invalid)
  Host& host(const std::string& id) const;
  Host& host_by_name(const std::string& name_or_alias) const;  // Error(not_found)
  const std::vector<std::unique_ptr<Backend>>& backends() const { return backends_; }
  const std::vector<std::unique_ptr<Host>>& hosts() const { return hosts_; }

 private:
  void add_forgotten(store::Session& db);
  void open(Backend& b);
  void open(Host& h);
  template <class T>
  void open_in_time(T& item);
  template <class T>
  void try_later(T& item);
  PluginSource& plugins_;
  store::Database& database_;
  Timer& timer_;
  std::atomic<bool> stopping_{false};
  std::vector<std::unique_ptr<Backend>> backends_;
  std::vector<std::unique_ptr<Host>> hosts_;
};

}  // namespace vbs
