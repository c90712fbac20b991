// Private to core/delegates: the core's interfaces over a RemoteInstance.
#pragma once
#include <memory>

#include "core/connectors/connector.hpp"
#include "core/delegates/remote_instance.hpp"
#include "core/plugin_host/hypervisor.hpp"
#include "core/plugin_host/storage_backend.hpp"

namespace vbs {

std::unique_ptr<StorageBackend> make_remote_storage(std::unique_ptr<RemoteInstance> instance);
std::unique_ptr<Hypervisor> make_remote_hypervisor(std::shared_ptr<RemoteInstance> instance);
std::unique_ptr<Connector> make_remote_connector(std::shared_ptr<RemoteInstance> instance);

}  // namespace vbs
