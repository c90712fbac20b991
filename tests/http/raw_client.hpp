// A client that says exactly what a test tells it to, over plain TCP or TLS, blocking, with a limit of 10 s a read.
#pragma once
#include <openssl/ssl.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "core/http/message.hpp"
#include "tests/support/certs.hpp"

namespace vbs::test {

struct RawResponse {
  int status = 0;
  http::Fields headers;
  std::string body;
  std::string header(std::string_view name) const { return std::string(http::find_field(headers, name).value_or("")); }
};

class RawClient {
 public:
  explicit RawClient(uint16_t port);                                          // plain
  RawClient(uint16_t port, SSL_CTX* context, SSL_SESSION* resume = nullptr);  // TLS; throws when the handshake fails
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void send(std::string_view bytes);             // throws when the connection is gone
  RawResponse read_response(bool head = false);  // throws at the end of the connection
  bool closed_by_server();                       // waits for the end; false when it sends anything, or 10 s pass
  std::string read_some();                       // "" at the end
  SSL* ssl() { return ssl_; }

 private:
  void connect(uint16_t port);
  int fd_ = -1;
  SSL* ssl_ = nullptr;
  std::string buffer_;
};

class TlsClientContext {
 public:
  TlsClientContext(const std::string& ca, const PemFiles& client = {}, int max_version = 0);
  ~TlsClientContext() { SSL_CTX_free(context_); }
  TlsClientContext(const TlsClientContext&) = delete;
  TlsClientContext& operator=(const TlsClientContext&) = delete;
  operator SSL_CTX*() const { return context_; }

 private:
  SSL_CTX* context_;
};

}  // namespace vbs::test
