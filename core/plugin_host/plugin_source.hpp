// Where opened plugin instances come from: PluginHost, or in tests something in memory. What Registry needs to know of
// it, and no more.
//
// Threading: any thread. Errors: Error(invalid) and Error(not_supported) mean that the configuration is wrong and stay;
// anything else may pass, so the caller tries again.
#pragma once
#include <memory>
#include <string>

#include "core/plugin_host/hypervisor.hpp"
#include "core/plugin_host/storage_backend.hpp"

namespace vbs {

class PluginSource {
 public:
  virtual ~PluginSource() = default;
  // `config`: a JSON object. `id`: the back-end's UUID, for its marker.
  virtual std::unique_ptr<StorageBackend> open_storage(const std::string& plugin, const std::string& id,
                                                       const std::string& config) = 0;
  virtual std::unique_ptr<Hypervisor> open_hypervisor(const std::string& plugin, const std::string& config) = 0;
};

}  // namespace vbs
