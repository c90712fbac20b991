#include "core/service/config.hpp"

#include <set>

#include "core/base/json.hpp"
#include "core/plugin_host/yaml_reader.hpp"

namespace vbs {
namespace {
constexpr size_t kMaxFileBytes = 1024 * 1024;
constexpr size_t kMaxText = 4096;

// A plugin's own settings travel as JSON; its manifest's schema checks them. A quoted YAML scalar stays a string.
void write_json(const YAML::Node& node, JsonWriter& w) {
  if (node.IsMap()) {
    w.StartObject();
    for (const auto& item : node) {
      key(w, item.first.as<std::string>());
      write_json(item.second, w);
    }
    w.EndObject();
  } else if (node.IsSequence()) {
    w.StartArray();
    for (const auto& item : node) write_json(item, w);
    w.EndArray();
  } else if (node.IsScalar()) {
    const auto text = node.Scalar();
    int64_t i = 0;
    double d = 0;
    bool b = false;
    if (node.Tag() == "!")
      put(w, text);
    else if (YAML::convert<int64_t>::decode(node, i) && text.rfind("0", 0) != 0)
      w.Int64(i);
    else if (text == "0")
      w.Int64(0);
    else if ((text == "true" || text == "false") && YAML::convert<bool>::decode(node, b))
      w.Bool(b);
    else if (text.find_first_not_of("0123456789.-") == std::string::npos && YAML::convert<double>::decode(node, d))
      w.Double(d);
    else
      put(w, text);
  } else {
    w.Null();
  }
}

std::string plugin_settings(YamlMap& m) {
  const auto node = m.find("config");
  if (!node) return "{}";
  if (!node->IsMap()) m.bad(*node, "config", "must be a mapping of the plugin's settings");
  JsonBuffer b;
  JsonWriter w(b);
  write_json(*node, w);
  return {b.GetString(), b.GetSize()};
}

// Each entry of a list of mappings.
template <class F>
void each_entry(YamlMap& m, const std::string& name, F&& f) {
  const auto node = m.find(name);
  if (!node) return;
  if (!node->IsSequence()) m.bad(*node, name, "must be a list");
  std::set<std::string> names;
  size_t i = 0;
  for (const auto& item : *node) {
    YamlMap entry(item, m.file(), name + "[" + std::to_string(i++) + "]");
    const auto entry_name = entry.required_text("name", 255);
    if (!names.insert(entry_name).second) m.bad(item, name, "has two entries named '" + entry_name + "'");
    f(entry, entry_name);
    entry.finish();
  }
}
}  // namespace

Config load_config(const std::string& path) {
  Config c;
  YamlMap top(load_yaml_file(path, kMaxFileBytes), path, "");
  c.data_dir = top.required_text("data_dir", kMaxText);

  auto listen = top.map("listen");
  c.address = listen.text("address", 255).value_or(c.address);
  c.port = static_cast<uint16_t>(listen.integer("port", 0, 65535).value_or(c.port));
  c.certificate = listen.required_text("certificate", kMaxText);
  c.key = listen.required_text("key", kMaxText);
  c.client_ca = listen.required_text("client_ca", kMaxText);
  listen.finish();

  auto log = top.map("log");
  c.log_level = log.text("level", 32).value_or(c.log_level);
  log.finish();
  c.operators = top.text_list("operators", 512);

  auto plugins = top.map("plugins");
  c.plugin_directories = plugins.text_list("directories", kMaxText);
  auto commands = plugins.map("commands");
  commands.each([&](const std::string& plugin, const YAML::Node& node) {
    YamlMap patterns(node, path, "plugins.commands." + plugin);
    std::vector<std::string> names;
    patterns.each([&](const std::string& name, const YAML::Node&) { names.push_back(name); });
    for (const auto& name : names) c.commands[plugin][name] = patterns.text_list(name, kMaxText);
  });
  plugins.finish();

  each_entry(top, "backends", [&](YamlMap& m, const std::string& name) {
    BackendConfig b;
    b.name = name;
    b.plugin = m.required_text("plugin", 255);
    b.workers = static_cast<size_t>(m.integer("workers", 1, 64).value_or(4));
    b.config = plugin_settings(m);
    c.backends.push_back(b);
  });
  each_entry(top, "hosts", [&](YamlMap& m, const std::string& name) {
    HostConfig h;
    h.name = name;
    h.aliases = m.text_list("aliases", 255);
    h.hypervisor = m.text("hypervisor", 255).value_or("");
    h.initiator = m.text("initiator", 255).value_or("");
    h.workers = static_cast<size_t>(m.integer("workers", 1, 64).value_or(4));
    h.config = plugin_settings(m);
    c.hosts.push_back(h);
  });
  top.finish();
  if (c.backends.empty())
    throw Error(Code::invalid, path + ": 'backends' is empty: at least one back-end is needed", "backends");
  return c;
}
}  // namespace vbs
