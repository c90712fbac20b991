// The delegates of vbsd's configuration, and where instances come from in the end: without a delegate from the plugins
// in this process, otherwise from that node. In the core both are one interface.
//
// Threading: any thread after construction. What it opened must be gone before it.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/delegates/delegate_config.hpp"
#include "core/delegates/spawned.hpp"
#include "core/delegates/status.hpp"
#include "core/plugin_host/plugin_source.hpp"

namespace vbs {

class DelegateLink;
class RemoteInstance;

class Delegates : public PluginSource {
 public:
  // Dials at once and goes on by itself. What must not run in this process (a plugin that did not come with VBS, a
  // file system that can hang) gets a delegate beside it, if `spawn` names the program. Throws Error(invalid ...) for
  // an unusable address or certificate.
  Delegates(PluginSource& local, const std::vector<DelegateConfig>& configs, const DelegateTls& tls,
            SpawnOptions spawn = {});
  ~Delegates() override;

  std::unique_ptr<StorageBackend> open_storage(const std::string& plugin, const std::string& id,
                                               const std::string& config) override;
  std::unique_ptr<Hypervisor> open_hypervisor(const std::string& plugin, const std::string& config) override;
  std::unique_ptr<StorageBackend> open_storage_at(const Place& place, const std::string& plugin, const std::string& id,
                                                  const std::string& config) override;
  std::unique_ptr<Hypervisor> open_hypervisor_at(const Place& place, const std::string& plugin,
                                                 const std::string& config) override;
  std::map<std::string, std::unique_ptr<Connector>> connectors_at(const Place& place, const std::string& plugin,
                                                                  const std::string& config) override;
  std::vector<DelegateStatus> list() const;
  // Called with the name of each delegate that answers again, on a thread of its own; must be quick. Empty: nobody;
  // when that returns, no call of the former one is under way.
  void on_up(std::function<void(const std::string& name)> hook);

 private:
  std::vector<DelegateLink*> links(const Place& place) const;
  // Where it has to run, with the delegate beside this process started if that is it.
  Place settled(const Place& place, const std::string& plugin, const std::string& config, SpawnedDelegate::Serves what);
  std::unique_ptr<DelegateLink> dial(const DelegateConfig& config);
  // A host's hypervisor and connectors are one instance there.
  std::shared_ptr<RemoteInstance> host(const Place& place, const std::string& plugin, const std::string& config);
  PluginSource& local_;
  const DelegateTls tls_;
  const SpawnOptions spawn_;
  const std::string holder_;
  std::mutex hook_mutex_;
  std::function<void(const std::string&)> hook_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<RemoteInstance>> hosts_;
  std::map<std::string, std::unique_ptr<SpawnedDelegate>> spawned_;
  std::map<std::string, std::unique_ptr<DelegateLink>> links_;  // last: their threads end before what they use
};

}  // namespace vbs
