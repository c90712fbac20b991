// vbsd.yaml: read strictly (an unknown key is an error that names file and line). config_keys.hpp lists every
// key, with limit and default.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/delegates/delegate_config.hpp"
#include "core/operations/registry.hpp"
#include "core/plugin_host/plugin_settings.hpp"

namespace vbs {

struct Config {
  std::string address = "127.0.0.1";
  uint16_t port = 8443;
  std::string certificate, key, client_ca;  // PEM files
  std::string data_dir;
  std::string backup_dir;  // empty: data_dir/backups
  std::string log_level = "info";
  unsigned flatten_above = 16;                  // layers under a volume; more are flattened in the background; 0: never
  std::vector<std::string> operators;           // subjects
  std::vector<std::string> plugin_directories;  // empty: the directory of the installation
  std::map<std::string, std::map<std::string, std::vector<std::string>>> commands;  // plugin -> command -> argv
  std::vector<ConnectorChoice> connectors;
  std::vector<std::string> plugins_in_process;  // foreign ones that are loaded into vbsd all the same
  std::vector<DelegateConfig> delegates;
  DelegateTls delegate_tls;
  std::string delegate_ca;  // directory of the CA that signs for `vbs delegates enroll`; empty: none here
  std::vector<BackendConfig> backends;
  std::vector<HostConfig> hosts;
};

Config load_config(const std::string& path);  // throws Error(invalid)

}  // namespace vbs
