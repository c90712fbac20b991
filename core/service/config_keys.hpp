// Every key of vbsd.yaml: type, limits, unit, default, meaning. The parser (config.cpp) takes limits and defaults from
// here, and docs/configuration.md is printed from here (`vbsd --print-config-reference`), so neither can differ.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vbs {

enum class KeyType { text, integer, text_list, list, mapping };

struct ConfigKeyInfo {
  std::string_view name;  // "listen.port", "backends[].name"
  KeyType type;
  int64_t min, max;  // of an integer; of a text, or of each in a list, `max` bytes
  std::string_view unit;
  std::string_view fallback;  // what an absent key stands for; "" with `required`
  bool required;
  std::string_view fallback_shown;  // where the default is no fixed value: what the page says
  std::string_view meaning;
};

const std::vector<ConfigKeyInfo>& config_keys();           // in the order of the page
const ConfigKeyInfo& config_key(const std::string& name);  // Error(internal) if there is none

std::string config_reference();  // the table of the page, Markdown

}  // namespace vbs
