// Where opened plugin instances come from: PluginHost, or in tests something in memory. What Registry needs to know of
// it, and no more.
//
// Threading: any thread. Errors: Error(invalid) and Error(not_supported) mean that the configuration is wrong and stay;
// anything else may pass, so the caller tries again.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/connectors/connector.hpp"
#include "core/plugin_host/hypervisor.hpp"
#include "core/plugin_host/storage_backend.hpp"

namespace vbs {

// Where an instance is to run: the name of its back-end or host, and the delegates that may have it, the first that
// answers first; none: this process.
struct Place {
  std::string name;
  std::vector<std::string> delegates;
};

class PluginSource {
 public:
  virtual ~PluginSource() = default;
  // `config`: a JSON object. `id`: the back-end's UUID, for its marker.
  virtual std::unique_ptr<StorageBackend> open_storage(const std::string& plugin, const std::string& id,
                                                       const std::string& config) = 0;
  virtual std::unique_ptr<Hypervisor> open_hypervisor(const std::string& plugin, const std::string& config) = 0;
  // The same at a place; Error(invalid) for a delegate that is not configured.
  virtual std::unique_ptr<StorageBackend> open_storage_at(const Place& place, const std::string& plugin,
                                                          const std::string& id, const std::string& config) {
    only_here(place);
    return open_storage(plugin, id, config);
  }
  virtual std::unique_ptr<Hypervisor> open_hypervisor_at(const Place& place, const std::string& plugin,
                                                         const std::string& config) {
    only_here(place);
    return open_hypervisor(plugin, config);
  }
  // Not to be loaded into this process, so that its crash is not this one's; a delegate runs it.
  virtual bool runs_apart(const std::string& plugin) const { return (void)plugin, false; }
  // Those of the host's node, by the kind of connection. `plugin` and `config` are the hypervisor's, or empty.
  virtual std::map<std::string, std::unique_ptr<Connector>> connectors_at(const Place& place, const std::string& plugin,
                                                                          const std::string& config) {
    (void)plugin, (void)config;
    only_here(place);
    return local_connectors();
  }

 private:
  static void only_here(const Place& place) {
    if (!place.delegates.empty())
      throw Error(Code::invalid, "there is no delegate '" + place.delegates.front() + "' in the configuration",
                  "delegate");
  }
};

}  // namespace vbs
