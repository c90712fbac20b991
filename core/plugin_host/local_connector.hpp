// A connector plugin's instance in this process, behind the core's interface.
#pragma once
#include <memory>
#include <string>

#include "core/connectors/connector.hpp"
#include "core/plugin_host/loaded_plugin.hpp"

namespace vbs {
// `config` as the manifest's schema left it. Throws what open() answered.
std::unique_ptr<Connector> open_local_connector(LoadedPlugin& plugin, const HostServices& host,
                                                const std::string& config);
}  // namespace vbs
