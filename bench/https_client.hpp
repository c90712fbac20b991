// One kept-alive HTTPS connection with a client certificate, blocking, as lean as it gets: the load generator shares
// two cores with the service that it measures. Threading: one thread at a time. Errors: throws std::runtime_error.
#pragma once
#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace vbs::bench {

struct Server {
  uint16_t port = 0;  // on 127.0.0.1
  std::string ca, cert, key;
};

struct Answer {
  int status = 0;
  std::string_view body;  // valid until the next request on the same client
};

class HttpsClient {
 public:
  explicit HttpsClient(const Server& server);  // connects
  ~HttpsClient();
  HttpsClient(const HttpsClient&) = delete;
  HttpsClient& operator=(const HttpsClient&) = delete;

  // `wait_seconds` > 0: the answer comes when the operation has ended. An empty body: none is sent.
  Answer request(std::string_view method, std::string_view target, std::string_view body = {}, int wait_seconds = 0);

 private:
  struct Free {
    void operator()(SSL* p) const { SSL_free(p); }
    void operator()(SSL_CTX* p) const { SSL_CTX_free(p); }
  };
  void send_all(std::string_view bytes);
  void receive();  // appends to in_

  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> ssl_;
  int fd_ = -1;
  std::string out_, in_;
};

}  // namespace vbs::bench
