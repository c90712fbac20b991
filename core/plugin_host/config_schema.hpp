// Checks a plugin's configuration against the `config` section of its manifest.
#pragma once
#include <rapidjson/document.h>

#include <map>
#include <string>

#include "core/plugin_host/manifest.hpp"

namespace vbs {

struct CheckedConfig {
  std::string json;                            // defaults filled in, secrets left out
  std::map<std::string, std::string> secrets;  // reach the plugin only through vbs_host.secret
};

// `config` is the text of a JSON object. Throws Error(invalid) with the key as field for anything unknown, missing or
// wrong.
CheckedConfig check_config(const Manifest& manifest, const std::string& config);

// One value as it goes to the plugin (`bytes` becomes a number). Throws Error(invalid) with `name` as field.
std::string check_config_value(const ConfigKey& key, const std::string& name, const rapidjson::Value& value);

// "64KiB", "1.5TiB", "512" -> bytes. Throws Error(invalid).
uint64_t parse_bytes(const std::string& text);

}  // namespace vbs
