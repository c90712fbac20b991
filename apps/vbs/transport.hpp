// One request to the service and its answer: HTTPS (https_transport.cpp), or a script in tests.
#pragma once
#include <memory>
#include <string>

#include "apps/vbs/settings.hpp"
#include "core/http/client.hpp"

namespace vbs::cli {

class Transport {
 public:
  virtual ~Transport() = default;
  // As http::Client::request(): any status is an answer; Error(unavailable | unknown_outcome | too_large | invalid).
  virtual http::ClientResponse request(const std::string& method, const std::string& target, const std::string& body,
                                       const http::Fields& headers) = 0;
};

using TransportFactory = std::function<std::unique_ptr<Transport>(const Settings&)>;
std::unique_ptr<Transport> https_transport(const Settings& settings);

}  // namespace vbs::cli
