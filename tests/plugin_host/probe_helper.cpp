// Stands where vbsd stands for PluginHostOptions.probe_program.
#include <cstring>

#include "core/plugin_host/plugin_host.hpp"

int main(int argc, char** argv) {
  if (argc != 3 || std::strcmp(argv[1], "--probe-plugin") != 0) return 2;
  return vbs::probe_plugin(argv[2]);
}
