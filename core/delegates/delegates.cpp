#include "core/delegates/delegates.hpp"

#include <fmt/format.h>

#include "core/base/error.hpp"
#include "core/base/ids.hpp"
#include "core/base/log.hpp"
#include "core/delegates/link.hpp"
#include "core/delegates/remote.hpp"
#include "vbs/plugin/storage.h"

namespace vbs {

Delegates::Delegates(PluginSource& local, const std::vector<DelegateConfig>& configs, const DelegateTls& tls)
    : local_(local) {
  const auto holder = new_uuid();
  for (const auto& c : configs)
    links_[c.name] = std::make_unique<DelegateLink>(c, tls, holder, [this, name = c.name] {
      const std::lock_guard lock(hook_mutex_);
      if (hook_) hook_(name);
    });
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
  for (const auto& name : place.delegates) {
    const auto it = links_.find(name);
    if (it == links_.end())
      throw Error(Code::invalid, fmt::format("there is no delegate '{}' in the configuration", for_log(name, 255)),
                  "delegate");
    out.push_back(it->second.get());
  }
  return out;
}

std::unique_ptr<StorageBackend> Delegates::open_storage_at(const Place& place, const std::string& plugin,
                                                           const std::string& id, const std::string& config) {
  if (place.delegates.empty()) return local_.open_storage(plugin, id, config);
  wire::OpenRequest what;
  what.set_kind(wire::STORAGE);
  what.set_name(place.name);
  what.set_plugin(plugin);
  what.set_backend_id(id);
  what.set_config(config);
  auto instance = std::make_unique<RemoteInstance>(links(place), std::move(what));
  instance->open();
  if (place.delegates.size() > 1 && (instance->facts().capabilities & VBS_CAP_SHARED_NODES) == 0)
    throw Error(Code::invalid,
                fmt::format("its storage belongs to one node, so only one delegate may run it; {} are named",
                            place.delegates.size()),
                "delegate");
  return make_remote_storage(std::move(instance));
}

std::shared_ptr<RemoteInstance> Delegates::host(const Place& place, const std::string& plugin,
                                                const std::string& config) {
  const std::lock_guard lock(mutex_);
  auto& kept = hosts_[place.name];
  if (!kept) {
    wire::OpenRequest what;
    what.set_kind(wire::HYPERVISOR);
    what.set_name(place.name);
    what.set_plugin(plugin);
    what.set_config(config);
    kept = std::make_shared<RemoteInstance>(links(place), std::move(what));
  }
  return kept;
}

std::unique_ptr<Hypervisor> Delegates::open_hypervisor_at(const Place& place, const std::string& plugin,
                                                          const std::string& config) {
  if (place.delegates.empty()) return local_.open_hypervisor(plugin, config);
  auto instance = host(place, plugin, config);
  instance->open();
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
  std::vector<DelegateStatus> out;
  for (const auto& [name, link] : links_) out.push_back(link->status());
  return out;
}

}  // namespace vbs
