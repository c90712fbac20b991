#include "core/plugin_host/plugin_host.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <set>

#include "core/base/error.hpp"
#include "core/base/log.hpp"
#include "core/base/process.hpp"
#include "core/plugin_host/config_schema.hpp"
#include "core/plugin_host/loaded_plugin.hpp"
#include "core/plugin_host/local_connector.hpp"
#include "core/plugin_host/local_hypervisor.hpp"
#include "core/plugin_host/local_storage.hpp"
#include "core/plugin_host/needs.hpp"

namespace vbs {
namespace {
constexpr std::string_view kManifestSuffix = ".vbs-plugin.yaml";
constexpr std::chrono::seconds kProbeTime{20};

// Names of everything in `directory` that is a library or a manifest, or both.
std::set<std::string> candidates(const std::string& directory) {
  std::set<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const std::string file = it->path().filename().string();
    if (file.ends_with(kManifestSuffix))
      names.insert(file.substr(0, file.size() - kManifestSuffix.size()));
    else if (file.ends_with(".so"))
      names.insert(file.substr(0, file.size() - 3));
  }
  if (error)
    logger().warn("plugin directory {} cannot be read: {}; create it or take it out of the configuration", directory,
                  error.message());
  return names;
}

// Loads the plugin in a process of its own first: a crash there is a refusal here.
void probe(const std::string& program, const std::string& library) {
  ProcessOptions options;
  options.deadline = std::chrono::steady_clock::now() + kProbeTime;
  options.output_limit = 64 * 1024;
  const auto r = run_process({program, "--probe-plugin", library}, options);
  if (r.exit_status == 0) return;
  const size_t at = r.out.rfind("refused: ");
  if (at != std::string::npos)
    throw Error(Code::invalid, for_log(r.out.substr(at + 9, r.out.find('\n', at) - at - 9), 2048));
  if (r.timed_out)
    throw Error(Code::invalid, fmt::format("loading it did not end within {} s in a test process", kProbeTime.count()));
  if (r.signal != 0)
    throw Error(Code::invalid,
                fmt::format("loading it crashed a test process (signal {}, {}); report it to the plugin's author",
                            r.signal, strsignal(r.signal)));
  throw Error(
      Code::invalid,
      fmt::format("loading it ended a test process with status {}; report it to the plugin's author", r.exit_status));
}
}  // namespace

struct PluginHost::Impl {
  PluginHostOptions options;
  mutable std::mutex mutex;
  std::vector<PluginInfo> infos;
  std::map<std::string, LoadedPlugin*> loaded;

  void consider(const std::string& directory, const std::string& name) {
    PluginInfo info;
    info.name = name;
    info.path = (std::filesystem::path(directory) / (name + ".so")).string();
    try {
      const auto taken = loaded.find(name);
      if (taken != loaded.end())
        throw Error(Code::invalid, "a plugin of this name is already loaded from another directory");
      Manifest manifest = inspect_plugin(info.path);
      info.version = manifest.version;
      info.description = manifest.description;
      info.kinds = manifest.kinds;
      if (const auto patterns = options.commands.find(name); patterns != options.commands.end())
        apply_patterns(manifest, patterns->second);
      // A connector is called by whoever plugs disks in, on the same node: it stays with that one.
      if (options.apart && options.apart(name) && manifest.kinds != std::vector<std::string>{"connector"}) {
        info.apart = true;
        logger().info("plugin {} {} at {} runs in a process of its own", info.name, info.version, info.path);
        infos.push_back(std::move(info));
        return;
      }
      if (!options.probe_program.empty()) probe(options.probe_program, info.path);
      loaded[name] = &load_plugin(info.path, std::move(manifest), options.secret);
      logger().info("plugin {} {} loaded from {}", info.name, info.version, info.path);
    } catch (const std::exception& e) {
      info.refusal = e.what();
      logger().warn("plugin {} refused: {}", name, info.refusal);
    }
    infos.push_back(std::move(info));
  }

  bool is_apart(const std::string& name) const {
    const std::lock_guard lock(mutex);
    return std::any_of(infos.begin(), infos.end(), [&](const auto& i) { return i.name == name && i.apart; });
  }

  LoadedPlugin& get(const std::string& name, const std::string& kind) const {
    const std::lock_guard lock(mutex);
    const auto it = loaded.find(name);
    if (it == loaded.end()) {
      for (const auto& info : infos)
        if (info.name == name && !info.apart)
          throw Error(Code::not_supported, fmt::format("plugin '{}' was refused: {}", name, info.refusal), "plugin");
      std::vector<std::string> known;
      for (const auto& entry : loaded) known.push_back(entry.first);
      throw Error(Code::invalid,
                  fmt::format("there is no plugin '{}'; loaded are: {}; plugin directories: {}", for_log(name, 64),
                              fmt::join(known, ", "), fmt::join(options.directories, ", ")),
                  "plugin");
    }
    if (!it->second->manifest().has_kind(kind))
      throw Error(Code::invalid,
                  fmt::format("plugin '{}' is no {} plugin; it is: {}", name, kind,
                              fmt::join(it->second->manifest().kinds, ", ")),
                  "plugin");
    return *it->second;
  }
};

PluginHost::PluginHost(PluginHostOptions options) : impl_(std::make_shared<Impl>()) {
  impl_->options = std::move(options);
}
PluginHost::~PluginHost() = default;

void PluginHost::scan() {
  const std::lock_guard lock(impl_->mutex);
  for (const auto& directory : impl_->options.directories)
    for (const auto& name : candidates(directory)) impl_->consider(directory, name);
  for (const auto& entry : impl_->options.commands) {
    const auto known = [&](const PluginInfo& info) { return info.name == entry.first; };
    if (std::none_of(impl_->infos.begin(), impl_->infos.end(), known))
      logger().warn("command patterns for plugin '{}': there is no such plugin", for_log(entry.first, 64));
  }
}

std::vector<PluginInfo> PluginHost::plugins() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->infos;
}

bool PluginHost::runs_apart(const std::string& plugin) const { return impl_->is_apart(plugin); }

std::unique_ptr<StorageBackend> PluginHost::open_storage(const std::string& name, const std::string& id,
                                                         const std::string& config) {
  auto& plugin = impl_->get(name, "storage");
  const auto checked = check_config(plugin.manifest(), config);
  start_needs(plugin.manifest().needs);
  return open_local_storage(plugin, plugin.host_for(checked.secrets), id, checked.json);
}

std::unique_ptr<Hypervisor> PluginHost::open_hypervisor(const std::string& name, const std::string& config) {
  auto& plugin = impl_->get(name, "hypervisor");
  const auto checked = check_config(plugin.manifest(), config);
  start_needs(plugin.manifest().needs);
  return open_local_hypervisor(plugin, plugin.host_for(checked.secrets), checked.json);
}

std::map<std::string, std::unique_ptr<Connector>> PluginHost::connectors_at(const Place& place, const std::string& name,
                                                                            const std::string& config) {
  auto out = PluginSource::connectors_at(place, name, config);
  for (const auto& choice : impl_->options.connectors) {
    auto& plugin = impl_->get(choice.plugin, "connector");
    const auto checked = check_config(plugin.manifest(), choice.config);
    start_needs(plugin.manifest().needs);
    out[choice.kind] = open_local_connector(plugin, plugin.host_for(checked.secrets), checked.json);
  }
  return out;
}

}  // namespace vbs
