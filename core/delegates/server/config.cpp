#include "core/delegates/server/config.hpp"

#include <fmt/format.h>

#include "core/base/error.hpp"
#include "core/base/log.hpp"
#include "core/delegates/address.hpp"
#include "core/plugin_host/yaml_reader.hpp"

namespace vbs {
namespace {
constexpr size_t kMaxFileBytes = 1024 * 1024, kText = 4096, kName = 255;

AgentConfig read_config(const std::string& path) {
  AgentConfig c;
  YamlMap top(load_yaml_file(path, kMaxFileBytes), path, "");
  c.name = top.required_text("name", kName);
  c.listen = top.required_text("listen", kText);
  bool over_tcp = true;
  try {
    over_tcp = parse_delegate_address(c.listen).path.empty();
  } catch (const Error& e) {
    top.bad(*top.find("listen"), "listen", e.what());
  }
  c.state_directory = top.required_text("state_directory", kText);
  const auto file = [&](const char* key) {
    return over_tcp ? top.required_text(key, kText) : top.text(key, kText).value_or("");
  };
  c.tls = {file("certificate"), file("key"), file("ca")};
  auto log = top.map("log");
  c.log_level = log.text("level", 32).value_or("info");
  check_log_level(c.log_level);
  log.finish();
  auto serves = top.map("serves");
  c.backends = serves.text_list("backends", kName);
  c.hosts = serves.text_list("hosts", kName);
  serves.finish();
  auto plugins = top.map("plugins");
  c.plugin_directories = plugins.text_list("directories", kText);
  auto commands = plugins.map("commands");
  commands.each([&](const std::string& plugin, const YAML::Node& node) {
    YamlMap patterns(node, path, "plugins.commands." + plugin);
    std::vector<std::string> names;
    patterns.each([&](const std::string& name, const YAML::Node&) { names.push_back(name); });
    for (const auto& name : names) c.commands[plugin][name] = patterns.text_list(name, kText);
  });
  c.connectors = connector_choices(plugins);
  plugins.finish();
  top.finish();
  if (c.backends.empty() && c.hosts.empty())
    throw Error(Code::invalid, path + ": 'serves' names neither 'backends' nor 'hosts': nothing could be run here",
                "serves");
  return c;
}
}  // namespace

AgentConfig load_agent_config(const std::string& path) {
  try {
    return read_config(path);
  } catch (const YAML::Exception& e) {
    throw Error(Code::invalid, fmt::format("{}: not acceptable YAML: {}", path, for_log(e.what())));
  }
}

}  // namespace vbs
