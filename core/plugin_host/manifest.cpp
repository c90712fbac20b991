#include "core/plugin_host/manifest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/base/log.hpp"
#include "core/base/utf8.hpp"
#include "core/plugin_host/config_schema.hpp"
#include "core/plugin_host/yaml_reader.hpp"

namespace vbs {
namespace {
constexpr size_t kMaxFileBytes = 256 * 1024;
constexpr size_t kMaxText = 4096;

const std::map<std::string, ConfigType> kTypes{{"string", ConfigType::string},   {"path", ConfigType::path},
                                               {"integer", ConfigType::integer}, {"number", ConfigType::number},
                                               {"boolean", ConfigType::boolean}, {"enum", ConfigType::enumeration},
                                               {"bytes", ConfigType::bytes}};

bool is_identifier(const std::string& s) {
  return !s.empty() && s.size() <= 64 && s[0] >= 'a' && s[0] <= 'z' && std::all_of(s.begin(), s.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

void check_identifier(const YamlMap& map, const YAML::Node& node, const std::string& name) {
  if (!is_identifier(name))
    map.bad(node, name, "must be lower case letters, digits, '_' or '-', at most 64, a letter first");
}

void read_kinds(YamlMap& top, Manifest& m) {
  m.kinds = top.text_list("kinds", 32);
  const auto node = top.find("kinds");
  if (m.kinds.empty())
    top.bad(node.value_or(YAML::Node()), "kinds", "is missing: name one or more of storage, hypervisor, connector");
  for (const auto& kind : m.kinds)
    if (kind != "storage" && kind != "hypervisor" && kind != "connector")
      top.bad(*node, "kinds", fmt::format("has '{}'; there are storage, hypervisor and connector", kind));
  YamlMap abi = top.map("abi");
  for (const auto& kind : m.kinds) {
    const auto range = abi.integer_list(kind, 0, 1'000'000);
    const auto at = abi.find(kind);
    if (range.size() != 2 || range[0] > range[1])
      abi.bad(at.value_or(*node), kind, "must be [LOWEST, HIGHEST] version of the table that the plugin brings");
    m.abi[kind] = {static_cast<uint32_t>(range[0]), static_cast<uint32_t>(range[1])};
  }
  abi.finish();
}

// A YAML scalar as JSON of the wanted type; yaml-cpp does not say whether a scalar was meant as text.
rapidjson::Document default_value(YamlMap& map, const YAML::Node& node, ConfigType type) {
  rapidjson::Document d;
  if (!node.IsScalar()) map.bad(node, "default", "must be a single value");
  if (!is_utf8(node.Scalar())) map.bad(node, "default", "is not UTF-8 text");
  const std::string& text = node.Scalar();
  int64_t integer = 0;
  double number = 0;
  bool boolean = false;
  if (type == ConfigType::integer && YAML::convert<int64_t>::decode(node, integer))
    d.SetInt64(integer);
  else if (type == ConfigType::number && YAML::convert<double>::decode(node, number))
    d.SetDouble(number);
  else if (type == ConfigType::boolean && YAML::convert<bool>::decode(node, boolean))
    d.SetBool(boolean);
  else
    d.SetString(text.data(), static_cast<rapidjson::SizeType>(text.size()), d.GetAllocator());
  return d;
}

ConfigKey read_config_key(const std::string& name, YamlMap map) {
  ConfigKey key;
  const auto node = map.find("type");
  const std::string type = map.required_text("type", 32);
  const auto known = kTypes.find(type);
  if (known == kTypes.end())
    map.bad(*node, "type", fmt::format("is '{}'; use string, path, integer, number, boolean, enum or bytes", type));
  key.type = known->second;
  key.min = map.number("min");
  key.max = map.number("max");
  key.values = map.text_list("values", 256);
  key.unit = map.text("unit", 32).value_or("");
  key.description = map.text("description", kMaxText).value_or("");
  key.secret = map.flag("secret");
  key.required = map.flag("required");
  const auto fallback = map.find("default");
  map.finish();
  if ((key.type == ConfigType::enumeration) != !key.values.empty())
    map.bad(*node, "values", "belong to an enum, and every enum has them");
  if (key.secret && key.type != ConfigType::string) map.bad(*node, "secret", "is possible only for a string");
  if (key.secret && fallback) map.bad(*fallback, "default", "must not be given for a secret");
  if (key.required && fallback) map.bad(*fallback, "default", "and 'required: true' exclude each other");
  if (fallback && !fallback->IsNull()) {
    try {
      key.default_json = check_config_value(key, name, default_value(map, *fallback, key.type));
    } catch (const Error& e) {
      map.bad(*fallback, "default", fmt::format("does not fit: {}", e.what()));
    }
  }
  return key;
}

std::vector<CommandParam> read_params(YamlMap& map) {
  std::vector<CommandParam> params;
  const auto list = map.find("params");
  if (!list) return params;
  if (!list->IsSequence()) map.bad(*list, "params", "must be a list of names, or of mappings with 'name'");
  for (const auto& item : *list) {
    CommandParam p;
    if (item.IsScalar()) {
      p.name = item.Scalar();
    } else {
      YamlMap entry(item, map.file(), map.path_of("params"));
      p.name = entry.required_text("name", 64);
      p.secret = entry.flag("secret");
      p.dash = entry.flag("dash");
      p.optional = entry.flag("optional");
      entry.finish();
    }
    if (params_of("{" + p.name + "}").size() != 1) map.bad(item, "params", "has a name that is no parameter");
    p.secret = p.secret || is_secret_name(p.name);
    for (const auto& other : params)
      if (other.name == p.name) map.bad(item, "params", fmt::format("names '{}' twice", p.name));
    params.push_back(std::move(p));
  }
  return params;
}

CommandPattern read_command(const YAML::Node& at, const std::string& name, YamlMap& commands) {
  YamlMap map(at, commands.file(), commands.path_of(name));
  CommandPattern pattern;
  const auto argv = map.find("argv");
  pattern.argv = map.text_list("argv", kMaxText);
  try {
    pattern.params = read_params(map);
    pattern.timeout = std::chrono::seconds(map.integer("timeout_s", 1, 7 * 86400).value_or(60));
    pattern.package = map.text("package", 128).value_or("");
    map.text("description", kMaxText);
    if (map.find("ok_exit")) {
      const auto statuses = map.integer_list("ok_exit", 0, 255);
      pattern.ok_exit = std::set<int>(statuses.begin(), statuses.end());
      if (pattern.ok_exit.empty())
        map.bad(*map.find("ok_exit"), "ok_exit", "is empty: name the exit statuses of success");
    }
    map.finish();
  } catch (const Error& e) {
    if (!e.field().empty()) throw;
    map.bad(at, "params", e.what());
  }
  const auto& mark = (argv ? *argv : at).Mark();
  check_pattern(pattern, fmt::format("{}:{}: '{}'", map.file(), mark.line + 1, map.path_of("argv")));
  return pattern;
}
}  // namespace

bool Manifest::has_kind(const std::string& kind) const {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

Manifest load_manifest(const std::string& file) {
  Manifest m;
  m.file = file;
  try {
    const YAML::Node root = load_yaml_file(file, kMaxFileBytes);
    if (!root.IsMap())
      throw Error(Code::invalid, file + ": is no plugin manifest: keys such as 'name' and 'kinds' are needed");
    YamlMap top(root, file, "");
    m.name = top.required_text("name", 64);
    check_identifier(top, *top.find("name"), m.name);
    if (const std::string wanted = m.name + ".vbs-plugin.yaml"; std::filesystem::path(file).filename() != wanted)
      top.bad(*top.find("name"), "name", fmt::format("is '{}', so the file must be called {}", m.name, wanted));
    m.version = top.required_text("version", 64);
    m.description = top.text("description", kMaxText).value_or("");
    read_kinds(top, m);
    m.needs = top.text_list("needs", 64);
    YamlMap config = top.map("config"), commands = top.map("commands");
    config.each([&](const std::string& name, const YAML::Node& value) {
      check_identifier(config, value, name);
      m.config[name] = read_config_key(name, YamlMap(value, file, config.path_of(name)));
    });
    commands.each([&](const std::string& name, const YAML::Node& value) {
      check_identifier(commands, value, name);
      m.commands[name] = read_command(value, name, commands);
    });
    top.finish();
  } catch (const YAML::Exception& e) {
    throw Error(Code::invalid, fmt::format("{}: not acceptable YAML: {}", file, for_log(e.what())));
  }
  return m;
}

}  // namespace vbs
