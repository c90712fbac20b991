#include "apps/vbs/transport.hpp"

namespace vbs::cli {
namespace {
// Longer than the service ever holds an answer back (60 s), and long enough for a reconcile of a large site.
constexpr std::chrono::minutes kTimeout{15};

class HttpsTransport : public Transport {
 public:
  explicit HttpsTransport(const Settings& s)
      : client_({.url = s.url.value, .ca = s.ca.value, .cert = s.cert.value, .key = s.key.value, .timeout = kTimeout}) {
  }
  http::ClientResponse request(const std::string& method, const std::string& target, const std::string& body,
                               const http::Fields& headers) override {
    return client_.request(method, target, body, headers);
  }

 private:
  http::Client client_;
};
}  // namespace

std::unique_ptr<Transport> https_transport(const Settings& settings) {
  return std::make_unique<HttpsTransport>(settings);
}

}  // namespace vbs::cli
