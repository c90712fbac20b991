// A storage plugin's instance in this process, behind the core's interface.
#pragma once
#include <memory>
#include <string>

#include "core/plugin_host/loaded_plugin.hpp"
#include "core/plugin_host/storage_backend.hpp"

namespace vbs {
// `config` as the manifest's schema left it. Throws what open() answered.
std::unique_ptr<StorageBackend> open_local_storage(LoadedPlugin& plugin, const HostServices& host,
                                                   const std::string& id, const std::string& config);
}  // namespace vbs
