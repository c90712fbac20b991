// How a delegate is, as vbsd sees it: for `vbs delegates list` and the health page.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace vbs {

struct DelegateStatus {
  std::string name, address;
  bool up = false;
  std::string error;  // why not
  std::string version, instance, boot_id;
  std::vector<std::string> backends, hosts;  // that it says it serves
  struct Plugin {
    std::string name, version, refusal;
  };
  std::vector<Plugin> plugins;
  uint64_t running = 0;  // calls
};

}  // namespace vbs
