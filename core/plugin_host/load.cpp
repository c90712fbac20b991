// The steps of loading, in their order; what each refuses and why is in docs/plugins.md.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/dll/shared_library.hpp>
#include <deque>
#include <filesystem>
#include <iostream>

#include "core/base/error.hpp"
#include "core/base/log.hpp"
#include "core/plugin_host/elf_check.hpp"
#include "core/plugin_host/loaded_plugin.hpp"
#include "core/plugin_host/needs.hpp"
#include "core/plugin_host/plugin_host.hpp"
#include "core/plugin_host/trust.hpp"
#include "vbs/plugin/abi.h"

namespace vbs {
namespace {
// dlerror()'s part of what Boost.DLL says.
std::string load_error(const std::string& what) {
  static const std::string mark = "dlerror system message: ";
  const size_t begin = what.find(mark), end = what.rfind("): ");
  return begin == std::string::npos || end == std::string::npos || end < begin
             ? what
             : what.substr(begin + mark.size(), end - begin - mark.size());
}

struct Registry {
  std::mutex mutex;
  std::deque<boost::dll::shared_library> libraries;
  std::deque<LoadedPlugin> plugins;
};

// Never destroyed: see loaded_plugin.hpp.
Registry& registry() {
  static auto* instance = new Registry;
  return *instance;
}

boost::dll::shared_library& open_library(const std::string& path) {
  using boost::dll::load_mode::rtld_local;
  using boost::dll::load_mode::rtld_now;
  try {
    boost::dll::shared_library library(path, rtld_now | rtld_local);
    const std::lock_guard lock(registry().mutex);
    return registry().libraries.emplace_back(std::move(library));
  } catch (const std::exception& e) {
    throw Error(Code::invalid,
                fmt::format("it cannot be loaded: {}; install the libraries that it was built with, or build it again",
                            for_log(load_error(e.what()))));
  }
}
}  // namespace

Manifest inspect_plugin(const std::string& library) {
  const std::filesystem::path path(library);
  const std::string directory = path.parent_path().empty() ? "." : path.parent_path().string();
  const std::string manifest_file = std::filesystem::path(path).replace_extension(".vbs-plugin.yaml").string();
  std::error_code error;
  check_trusted_directory(directory, geteuid());
  if (!std::filesystem::exists(std::filesystem::symlink_status(manifest_file, error)))
    throw Error(Code::invalid, fmt::format("there is no manifest {} beside the library", manifest_file));
  check_trusted_file(manifest_file, geteuid());
  Manifest manifest = load_manifest(manifest_file);
  check_versions(manifest);
  check_needs(manifest.needs);
  check_trusted_file(library, geteuid());
  check_shared_library(library);
  return manifest;
}

LoadedPlugin& load_plugin(const std::string& library, Manifest manifest, HostServices::SecretSource secret) {
  auto& loaded = open_library(library);
  if (!loaded.has(VBS_PLUGIN_ENTRY))
    throw Error(Code::invalid,
                fmt::format("it exports no {}: it is no VBS plugin, or its entry is hidden", VBS_PLUGIN_ENTRY));
  auto& entry = loaded.get<const vbs_plugin*(const vbs_host*, const vbs_versions*)>(VBS_PLUGIN_ENTRY);
  LoadedPlugin* plugin = nullptr;
  {
    const std::lock_guard lock(registry().mutex);
    plugin = &registry().plugins.emplace_back(std::move(manifest), std::move(secret));
  }
  const auto versions = host_versions();
  const vbs_plugin* descriptor = nullptr;
  try {
    descriptor = entry(plugin->host().table(), &versions);
  } catch (const std::exception& e) {
    throw Error(Code::invalid, fmt::format("its entry let an exception escape: {}", for_log(e.what())));
  } catch (...) {
    throw Error(Code::invalid, "its entry let an exception of an unknown type escape");
  }
  plugin->take(descriptor);
  return *plugin;
}

int probe_plugin(const std::string& path) {
  try {
    auto& plugin = load_plugin(path, inspect_plugin(path), {});
    std::cout << "accepted: " << plugin.manifest().name << " " << plugin.manifest().version << std::endl;
    return 0;
  } catch (const std::exception& e) {
    std::cout << "refused: " << e.what() << std::endl;
    return 1;
  }
}

}  // namespace vbs
