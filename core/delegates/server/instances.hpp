// What a delegate has open: the plugins' instances of the back-ends and hosts that it may serve, with a pool of threads
// each. An instance that is asked for with other settings takes the place of the one before, which is closed when its
// last call has ended.
//
// Threading: any thread. Errors: what the plugin's open throws; Error(forbidden) for what is not served here;
// Error(unavailable) where an open does not return, or nothing is open.
#pragma once
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/worker_pool.hpp"
#include "core/delegates/delegate.pb.h"
#include "core/plugin_host/plugin_source.hpp"

namespace vbs {

class Instances {
 public:
  Instances(PluginSource& plugins, std::vector<std::string> backends, std::vector<std::string> hosts);
  ~Instances();  // waits for calls
  InstanceFacts open(const wire::OpenRequest&);
  // Each when its last call has ended: another delegate may have been given what is open here, and plugins lock it.
  void close_all();
  std::shared_ptr<StorageBackend> storage(const std::string& name) const;
  std::shared_ptr<Hypervisor> hypervisor(const std::string& name) const;  // null: a host without one
  WorkerPool& pool(wire::Kind, const std::string& name) const;
  const std::vector<std::string>& backends() const { return backends_; }
  const std::vector<std::string>& hosts() const { return hosts_; }

 private:
  struct Slot {
    explicit Slot(std::string label);
    std::timed_mutex opening;
    mutable std::mutex mutex;
    std::string settings;  // of what is open; empty: nothing is
    InstanceFacts facts;
    std::shared_ptr<StorageBackend> storage;
    std::shared_ptr<Hypervisor> hypervisor;
    std::weak_ptr<void> closing;  // what close_all() has let go
    WorkerPool pool;
  };
  Slot& slot(wire::Kind, const std::string& name) const;
  static void wait_for_close(const Slot&);
  PluginSource& plugins_;
  const std::vector<std::string> backends_, hosts_;
  std::map<std::pair<wire::Kind, std::string>, std::unique_ptr<Slot>> slots_;  // fixed after construction
};

}  // namespace vbs
