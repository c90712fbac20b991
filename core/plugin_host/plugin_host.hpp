// Loads plugins and opens instances of them. Rules (each with its reason in docs/plugins.md): the manifest is read first
// and must agree with the descriptor; files and directories that others may write are refused; an unknown plugin is
// probed in a child process before it is loaded here; a refusal is one clear line and never a crash; a loaded plugin stays.
//
// Threading: scan() once, at start; everything else from any thread.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/connectors/connector.hpp"
#include "core/plugin_host/plugin_settings.hpp"
#include "core/plugin_host/plugin_source.hpp"

namespace vbs {

struct PluginInfo {
  std::string name, version, description, path;
  std::vector<std::string> kinds;  // storage, hypervisor, connector
  std::string refusal;             // empty: loaded
  bool apart = false;              // read, but not loaded here: a delegate runs it
};

struct PluginHostOptions {
  std::vector<std::string> directories;
  std::string probe_program;  // run as `PROGRAM --probe-plugin PATH`; empty: no probing (tests)
  // Operator's command patterns: plugin -> command -> argv; checked against the manifest's parameters at load.
  std::map<std::string, std::map<std::string, std::vector<std::string>>> commands;
  std::function<std::optional<std::string>(const std::string& name)> secret;
  std::vector<ConnectorChoice> connectors;  // of this machine, in the place of those that come with VBS
  std::function<bool(const std::string& plugin)> apart;  // which are not loaded here; empty: none
};

class PluginHost : public PluginSource {
 public:
  explicit PluginHost(PluginHostOptions options);
  ~PluginHost() override;
  void scan();                                 // logs one line a refusal
  std::vector<PluginInfo> plugins() const;
  bool runs_apart(const std::string& plugin) const override;
  // `config` is a JSON object, checked against the manifest's schema: unknown keys and wrong values throw Error(invalid)
  // with the key. `id` is the back-end's UUID for the marker. The instances keep the host's parts that they need alive.
  std::unique_ptr<StorageBackend> open_storage(const std::string& plugin, const std::string& id, const std::string& config) override;
  std::unique_ptr<Hypervisor> open_hypervisor(const std::string& plugin, const std::string& config) override;
  // Those that come with VBS and those that options.connectors names; each set has instances of its own.
  std::map<std::string, std::unique_ptr<Connector>> connectors_at(const Place& place, const std::string& plugin,
                                                                  const std::string& config) override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// What `vbsd --probe-plugin PATH` runs in a process of its own: loads, asks the entry, prints one line; 0 = acceptable.
int probe_plugin(const std::string& path);

}  // namespace vbs
