// Private to core/delegates: mutual TLS with certificates of a VBS CA. Both sides check, in the handshake, the role
// that the other's certificate carries (core/identity/certificate_kind.hpp): a delegate takes a vbs:server only, vbsd
// takes vbs:delegate:NAME only, with the very name of its configuration. Host names and addresses play no part.
//
// The files are read again once a minute, so a renewed certificate needs no restart.
#pragma once
#include <memory>
#include <string>

#include "core/delegates/delegate_config.hpp"

namespace grpc {
class ChannelCredentials;
class ServerCredentials;
}  // namespace grpc

namespace vbs {

// Throws Error(invalid | not_found ...) naming the file.
std::shared_ptr<grpc::ChannelCredentials> service_credentials(const DelegateTls& files, const std::string& delegate);
std::shared_ptr<grpc::ServerCredentials> delegate_credentials(const DelegateTls& files);

// gRPC's own messages go to our log, at level debug: what matters of them comes as errors of calls, too.
void route_grpc_log();

}  // namespace vbs
