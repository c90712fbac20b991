#include "core/service/config.hpp"

#include <fmt/format.h>

#include <set>

#include "core/base/log.hpp"
#include "core/delegates/address.hpp"
#include "core/plugin_host/plugin_settings.hpp"
#include "core/plugin_host/yaml_reader.hpp"
#include "core/service/config_keys.hpp"

namespace vbs {
namespace {
constexpr size_t kMaxFileBytes = 1024 * 1024;
constexpr size_t kMaxArgument = 4096;

// Values by the table of config_keys.hpp. `name` is the key's in that table; what follows its last dot is the key's in
// the mapping.
std::string last_part(const std::string& name) { return name.substr(name.rfind('.') + 1); }

std::string text(YamlMap& m, const std::string& name) {
  const auto& k = config_key(name);
  const auto max = static_cast<size_t>(k.max);
  return k.required ? m.required_text(last_part(name), max)
                    : m.text(last_part(name), max).value_or(std::string(k.fallback));
}

int64_t integer(YamlMap& m, const std::string& name) {
  const auto& k = config_key(name);
  return m.integer(last_part(name), k.min, k.max).value_or(std::stoll(std::string(k.fallback)));
}

std::vector<std::string> texts(YamlMap& m, const std::string& name) {
  return m.text_list(last_part(name), static_cast<size_t>(config_key(name).max));
}

// One text stands for a list of it.
std::vector<std::string> text_or_texts(YamlMap& m, const std::string& name) {
  const auto node = m.find(last_part(name));
  if (node && node->IsScalar()) return {*m.text(last_part(name), static_cast<size_t>(config_key(name).max))};
  return texts(m, name);
}

void check_delegate(const Config& c, const std::string& name, const std::string& path, const std::string& of) {
  for (const auto& d : c.delegates)
    if (d.name == name) return;
  throw Error(
      Code::invalid,
      fmt::format("{}: {} names the delegate '{}', which is not under 'delegates'", path, of, for_log(name, 255)),
      "delegate");
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
    const auto entry_name = text(entry, name + "[].name");
    if (!names.insert(entry_name).second) m.bad(item, name, "has two entries named '" + entry_name + "'");
    f(entry, entry_name);
    entry.finish();
  }
}
Config read_config(const std::string& path) {
  Config c;
  YamlMap top(load_yaml_file(path, kMaxFileBytes), path, "");
  c.data_dir = text(top, "data_dir");
  c.backup_dir = text(top, "backup_dir");

  auto listen = top.map("listen");
  c.address = text(listen, "listen.address");
  c.port = static_cast<uint16_t>(integer(listen, "listen.port"));
  c.certificate = text(listen, "listen.certificate");
  c.key = text(listen, "listen.key");
  c.client_ca = text(listen, "listen.client_ca");
  listen.finish();

  auto log = top.map("log");
  c.log_level = text(log, "log.level");
  log.finish();
  c.flatten_above = static_cast<unsigned>(integer(top, "flatten_above"));
  c.operators = texts(top, "operators");

  auto plugins = top.map("plugins");
  c.plugin_directories = texts(plugins, "plugins.directories");
  c.plugins_in_process = texts(plugins, "plugins.in_process");
  auto commands = plugins.map("commands");
  commands.each([&](const std::string& plugin, const YAML::Node& node) {
    YamlMap patterns(node, path, "plugins.commands." + plugin);
    std::vector<std::string> names;
    patterns.each([&](const std::string& name, const YAML::Node&) { names.push_back(name); });
    for (const auto& name : names) c.commands[plugin][name] = patterns.text_list(name, kMaxArgument);
  });
  c.connectors = connector_choices(plugins);
  plugins.finish();

  each_entry(top, "delegates", [&](YamlMap& m, const std::string& name) {
    c.delegates.push_back({name, text(m, "delegates[].address")});
    try {
      parse_delegate_address(c.delegates.back().address);
    } catch (const Error& e) {
      m.bad(*m.find("address"), "address", e.what());
    }
  });
  c.delegate_ca = text(top, "delegate_ca");
  auto tls = top.map("delegate_tls");
  const auto or_else = [](const std::string& own, const std::string& other) { return own.empty() ? other : own; };
  c.delegate_tls = {or_else(text(tls, "delegate_tls.certificate"), c.certificate),
                    or_else(text(tls, "delegate_tls.key"), c.key), or_else(text(tls, "delegate_tls.ca"), c.client_ca)};
  tls.finish();

  each_entry(top, "backends", [&](YamlMap& m, const std::string& name) {
    BackendConfig b;
    b.name = name;
    b.plugin = text(m, "backends[].plugin");
    b.workers = static_cast<size_t>(integer(m, "backends[].workers"));
    b.delegates = text_or_texts(m, "backends[].delegate");
    for (const auto& d : b.delegates) check_delegate(c, d, path, "back-end '" + name + "'");
    b.config = plugin_settings(m);
    c.backends.push_back(b);
  });
  each_entry(top, "hosts", [&](YamlMap& m, const std::string& name) {
    HostConfig h;
    h.name = name;
    h.aliases = texts(m, "hosts[].aliases");
    h.hypervisor = text(m, "hosts[].hypervisor");
    h.initiator = text(m, "hosts[].initiator");
    h.workers = static_cast<size_t>(integer(m, "hosts[].workers"));
    h.delegate = text(m, "hosts[].delegate");
    if (!h.delegate.empty()) check_delegate(c, h.delegate, path, "host '" + name + "'");
    h.config = plugin_settings(m);
    c.hosts.push_back(h);
  });
  top.finish();
  if (c.backends.empty())
    throw Error(Code::invalid, path + ": 'backends' is empty: at least one back-end is needed", "backends");
  return c;
}
}  // namespace

Config load_config(const std::string& path) {
  try {
    return read_config(path);
  } catch (const YAML::Exception& e) {
    throw Error(Code::invalid, fmt::format("{}: not acceptable YAML: {}", path, for_log(e.what())));
  }
}
}  // namespace vbs
