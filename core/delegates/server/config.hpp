// vbs-delegate.yaml, read as strictly as vbsd.yaml. docs/delegates.md has the keys.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/delegates/delegate_config.hpp"
#include "core/plugin_host/plugin_settings.hpp"

namespace vbs {

struct AgentConfig {
  std::string name, listen, state_directory;
  DelegateTls tls;  // not used with a UNIX socket
  std::string log_level = "info";
  std::vector<std::string> backends, hosts;
  std::vector<std::string> plugin_directories;                                      // empty: that of the installation
  std::map<std::string, std::map<std::string, std::vector<std::string>>> commands;  // plugin -> command -> argv
  std::vector<ConnectorChoice> connectors;
};

AgentConfig load_agent_config(const std::string& path);  // throws Error(invalid) with file, line and key

}  // namespace vbs
