// What configuration files say of plugins, as vbsd and vbs-delegate read it.
// Errors: Error(invalid) with file, line and key.
#pragma once
#include <string>
#include <vector>

#include "core/plugin_host/yaml_reader.hpp"

namespace vbs {

// `config` of a back-end, host or connector, as the JSON that the plugin gets; its manifest's schema checks it.
std::string plugin_settings(YamlMap&);

// The plugin that turns one kind of connection into something local on this machine.
struct ConnectorChoice {
  std::string kind, plugin, config = "{}";
};
// `connectors` of the section `plugins`: KIND: {plugin: NAME, config: {...}}.
std::vector<ConnectorChoice> connector_choices(YamlMap& plugins);

}  // namespace vbs
