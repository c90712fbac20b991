// Private to core/delegates/server: a message turned back into the call that it stands for.
#pragma once
#include "core/connectors/connector.hpp"
#include "core/delegates/delegate.pb.h"
#include "core/plugin_host/hypervisor.hpp"
#include "core/plugin_host/storage_backend.hpp"

namespace vbs {

// Each throws what the call throws, and Error(not_supported) for one that this version does not know.
void run_storage(StorageBackend&, const wire::Arguments&, const Call&, wire::Result* to);
void run_hypervisor(Hypervisor&, const wire::Arguments&, const Call&, wire::Result* to);
bool is_connector_call(const wire::Arguments&);
void run_connector(Connector&, const wire::Arguments&, const Call&, wire::Result* to);
const std::string& connection_kind(const wire::Arguments&);  // of a connector's call

}  // namespace vbs
