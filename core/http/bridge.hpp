// Our side of cpprestsdk's server hook: the process-wide http_server through which its listeners are opened and its
// responses come back.
//
// cpprestsdk destroys the hook with the last listener and would then open the next one on its own server. install()
// therefore opens one listener without a socket that lives as long as the process.
#pragma once
#include <memory>

#include "core/http/transport.hpp"

namespace vbs::http::bridge {

void install();                                     // idempotent, any thread; throws Error(internal)
void expect(std::shared_ptr<Transport> transport);  // the listener of transport->uri() will be served by it
void forget(const Transport& transport);

}  // namespace vbs::http::bridge
