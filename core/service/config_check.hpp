// `vbsd --check`: what load_config() leaves to the start of the service, found without starting it.
#pragma once
#include <string>
#include <vector>

#include "core/service/config.hpp"

namespace vbs {

// One line for each thing that would keep the service from starting or from working: settings of plugins against their
// manifests (no plugin's code is loaded), command patterns, log level, subjects of operators, files that cannot be
// read.
std::vector<std::string> check_config(const Config& config, const std::vector<std::string>& plugin_directories);

}  // namespace vbs
