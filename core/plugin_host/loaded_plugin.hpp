// One plugin in this process: its library, its manifest, its tables copied into our size, its host services.
//
// Ownership: made by load_plugin(), never destroyed: a loaded plugin stays until its process ends, because unloading
// foreign code under running threads cannot be made safe. Threading: const use from any thread.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/plugin_host/host_services.hpp"
#include "core/plugin_host/manifest.hpp"
#include "vbs/plugin/hypervisor.h"
#include "vbs/plugin/storage.h"

namespace vbs {

class LoadedPlugin {
 public:
  LoadedPlugin(Manifest manifest, HostServices::SecretSource secret);
  const Manifest& manifest() const { return manifest_; }
  const vbs_storage_table& storage() const { return storage_; }
  const vbs_hypervisor_table& hypervisor() const { return hypervisor_; }
  const vbs_connector_table& connector() const { return connector_; }
  const HostServices& host() { return host_for({}); }
  // The services for an instance with these secrets. One for each different set: a plugin may keep the pointer, and an
  // open() that is tried again and again must not add up.
  const HostServices& host_for(const std::map<std::string, std::string>& secrets);
  // Checks the descriptor against the manifest and copies the tables. Throws Error(invalid).
  void take(const vbs_plugin* descriptor);

 private:
  const Manifest manifest_;
  const HostServices::SecretSource secret_;
  vbs_storage_table storage_{};
  vbs_hypervisor_table hypervisor_{};
  vbs_connector_table connector_{};
  std::mutex mutex_;
  std::map<std::map<std::string, std::string>, std::unique_ptr<HostServices>> hosts_;
};

// The versions of each table that this host speaks.
vbs_versions host_versions();

// Throws Error(invalid) if the manifest needs a table version that this host does not speak.
void check_versions(const Manifest& manifest);

// Replaces argument vectors by the operator's. Throws Error(invalid) for an unknown command or parameter.
void apply_patterns(Manifest& manifest, const std::map<std::string, std::vector<std::string>>& patterns);

// Reads and checks everything that can be known without running the plugin's code: owner, modes, manifest, versions,
// ELF.
Manifest inspect_plugin(const std::string& library);

// dlopen, entry, descriptor. Throws Error(invalid) with the reason of the refusal.
LoadedPlugin& load_plugin(const std::string& library, Manifest manifest, HostServices::SecretSource secret);

}  // namespace vbs
