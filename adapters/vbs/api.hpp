// The native API (openapi.yaml is its contract): routes that read a request strictly, call core/service, and write the
// answer.
#pragma once
#include "core/http/server.hpp"
#include "core/service/core.hpp"

namespace vbs::native {

// Adds every route of openapi.yaml. `core` must outlive the server.
void add_routes(http::Server& server, Core& core);

}  // namespace vbs::native
