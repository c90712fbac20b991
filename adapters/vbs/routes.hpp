// Private to adapters/vbs: the route groups.
#pragma once
#include "adapters/vbs/requests.hpp"

namespace vbs::native {
void add_volume_routes(const Context&);
void add_snapshot_routes(const Context&);
void add_attachment_routes(const Context&);
void add_operator_routes(const Context&);
void add_monitoring_routes(const Context&);
}  // namespace vbs::native
