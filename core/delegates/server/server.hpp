// gRPC before an Agent. Over TCP with mutual TLS; a UNIX socket is for the same user alone (mode 0600).
//
// Threading: construction and destruction on one thread; serves on gRPC's. The agent must outlive it.
#pragma once
#include <memory>

#include "core/delegates/address.hpp"
#include "core/delegates/delegate_config.hpp"
#include "core/delegates/server/agent.hpp"

namespace vbs {

class DelegateServer {
 public:
  // Throws Error(unavailable) where the address cannot be had; `tls` is not used by a UNIX socket.
  DelegateServer(Agent& agent, const std::string& address, const DelegateTls& tls);
  ~DelegateServer();  // breaks off what is under way on the wire, not the calls behind it
  int port() const;   // 0: a UNIX socket

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vbs
