#include "core/delegates/delegates.hpp"

#include <fmt/format.h>

#include "core/base/error.hpp"
#include "core/base/ids.hpp"
#include "core/base/log.hpp"
#include "core/delegates/link.hpp"
#include "core/delegates/mounts.hpp"
#include "core/delegates/remote.hpp"
#include "vbs/plugin/storage.h"

namespace vbs {

Delegates::Delegates(PluginSource& local, const std::vector<DelegateConfig>& configs, const DelegateTls& tls,
                     SpawnOptions spawn)
    : local_(local), tls_(tls), spawn_(std::move(spawn)), holder_(new_uuid()) {
  for (const auto& c : configs) links_[c.name] = dial(c);
}

std::unique_ptr<DelegateLink> Delegates::dial(const DelegateConfig& config) {
  return std::make_unique<DelegateLink>(config, tls_, holder_, [this, name = config.name] {
    const std::lock_guard lock(hook_mutex_);
    if (hook_) hook_(name);
  });
}

Place Delegates::settled(const Place& place, const std::string& plugin, const std::string& config,
                         SpawnedDelegate::Serves what) {
  if (!place.delegates.empty() || spawn_.program.empty() || plugin.empty()) return place;
  const auto type = hanging_mount_in(config);
  if (type.empty() && !local_.runs_apart(plugin)) return place;
  const std::lock_guard lock(mutex_);
  auto& process = spawned_[(what == SpawnedDelegate::Serves::backend ? "b " : "h ") + place.name];
  if (!process) {
    logger().info(
        "{} runs in a process of its own: {}", place.name,
        type.empty() ? "plugin " + plugin + " does not come with VBS" : "a file system of type " + type + " can hang");
    process = std::make_unique<SpawnedDelegate>(spawn_, what, place.name);
    links_[process->config().name] = dial(process->config());
  }
  return {place.name, {process->config().name}};
}

Delegates::~Delegates() = default;

std::unique_ptr<StorageBackend> Delegates::open_storage(const std::string& plugin, const std::string& id,
                                                        const std::string& config) {
  return local_.open_storage(plugin, id, config);
}

std::unique_ptr<Hypervisor> Delegates::open_hypervisor(const std::string& plugin, const std::string& config) {
  return local_.open_hypervisor(plugin, config);
}

std::vector<DelegateLink*> Delegates::links(const Place& place) const {
  std::vector<DelegateLink*> out;
  const std::lock_guard lock(mutex_);
  for (const auto& name : place.delegates) {
    const auto it = links_.find(name);
    if (it == links_.end())
      throw Error(Code::invalid, fmt::format("there is no delegate '{}' in the configuration", for_log(name, 255)),
                  "delegate");
    out.push_back(it->second.get());
  }
  return out;
}

std::unique_ptr<StorageBackend> Delegates::open_storage_at(const Place& wanted, const std::string& plugin,
                                                           const std::string& id, const std::string& config) {
  const auto place = settled(wanted, plugin, config, SpawnedDelegate::Serves::backend);
  if (place.delegates.empty()) return local_.open_storage(plugin, id, config);
  wire::OpenRequest what;
  what.set_kind(wire::STORAGE);
  what.set_name(place.name);
  what.set_plugin(plugin);
  what.set_backend_id(id);
  what.set_config(config);
  auto instance = std::make_unique<RemoteInstance>(links(place), std::move(what));
  instance->open(wanted.delegates.empty() ? DelegateLink::Wait::success : DelegateLink::Wait::first);
  if (place.delegates.size() > 1 && (instance->facts().capabilities & VBS_CAP_SHARED_NODES) == 0)
    throw Error(Code::invalid,
                fmt::format("its storage belongs to one node, so only one delegate may run it; {} are named",
                            place.delegates.size()),
                "delegate");
  return make_remote_storage(std::move(instance));
}

std::shared_ptr<RemoteInstance> Delegates::host(const Place& place, const std::string& plugin,
                                                const std::string& config) {
  auto nodes = links(place);
  const std::lock_guard lock(mutex_);
  auto& kept = hosts_[place.name];
  if (!kept) {
    wire::OpenRequest what;
    what.set_kind(wire::HYPERVISOR);
    what.set_name(place.name);
    what.set_plugin(plugin);
    what.set_config(config);
    kept = std::make_shared<RemoteInstance>(std::move(nodes), std::move(what));
  }
  return kept;
}

std::unique_ptr<Hypervisor> Delegates::open_hypervisor_at(const Place& wanted, const std::string& plugin,
                                                          const std::string& config) {
  const auto place = settled(wanted, plugin, config, SpawnedDelegate::Serves::host);
  if (place.delegates.empty()) return local_.open_hypervisor(plugin, config);
  auto instance = host(place, plugin, config);
  instance->open(wanted.delegates.empty() ? DelegateLink::Wait::success : DelegateLink::Wait::first);
  return make_remote_hypervisor(std::move(instance));
}

std::map<std::string, std::unique_ptr<Connector>> Delegates::connectors_at(const Place& place,
                                                                           const std::string& plugin,
                                                                           const std::string& config) {
  if (place.delegates.empty()) return local_.connectors_at(place, plugin, config);
  auto out = local_connectors();
  const auto instance = host(place, plugin, config);
  for (auto& [kind, connector] : out) connector = make_remote_connector(instance);
  return out;
}

void Delegates::on_up(std::function<void(const std::string&)> hook) {
  const std::lock_guard lock(hook_mutex_);
  hook_ = std::move(hook);
}

std::vector<DelegateStatus> Delegates::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<DelegateStatus> out;
  for (const auto& [name, link] : links_) out.push_back(link->status());
  return out;
}

}  // namespace vbs
