// NAME.vbs-plugin.yaml: what a plugin says of itself, read before its code is loaded. The format is in docs/plugins.md.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/plugin_host/command_pattern.hpp"

namespace vbs {

enum class ConfigType { string, path, integer, number, boolean, enumeration, bytes };

struct ConfigKey {
  ConfigType type = ConfigType::string;
  std::optional<std::string> default_json;  // checked, as it goes to the plugin
  std::optional<double> min, max;           // value of integer, number, bytes; length in bytes of string
  std::vector<std::string> values;          // of an enum
  std::string unit, description;
  bool secret = false, required = false;
};

struct Manifest {
  std::string file;  // where it was read from
  std::string name, version, description;
  std::vector<std::string> kinds;                            // storage, hypervisor, connector
  std::map<std::string, std::pair<uint32_t, uint32_t>> abi;  // of each kind: lowest and highest version
  std::vector<std::string> needs;                            // services of the host, started before the first open
  std::map<std::string, ConfigKey> config;
  CommandSet commands;
  bool has_kind(const std::string& kind) const;
};

// Throws Error(invalid): one line that names file, line and key.
Manifest load_manifest(const std::string& file);

}  // namespace vbs
