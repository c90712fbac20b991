// The HTTPS edge: cpprestsdk's listener API on a transport of ours (transport.hpp says why), and a router on top.
//
//   Server server({.address = "127.0.0.1", .port = 8775, .tls = TlsFiles{cert, key, client_ca}});
//   server.route("GET", "/v1/volumes/{id}", [](const Request& r, Reply reply) { reply({.body =
//   show(r.params.at("id"))}); }); server.start();
//
// Threading: io threads only move bytes; handlers run in the server's own bounded pool and may block there. A Reply may
// be called from any thread, now or later (long poll), exactly once; a second call is logged and ignored, and a Reply
// that is destroyed uncalled answers 500. The Request stays valid as long as a copy of its Reply lives. A handler may
// throw: vbs::Error becomes its HTTP status, anything else a 500 whose detail is only in the log.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/http/message.hpp"

namespace vbs::http {

using Reply = std::function<void(Response)>;
using Handler = std::function<void(const Request&, Reply)>;

struct TlsFiles {
  std::string cert;       // PEM: the server's certificate, then its chain
  std::string key;        // PEM, not encrypted, not readable by everybody
  std::string client_ca;  // PEM; empty: no client certificate is asked for. Set: a request without one is answered 401,
                          // and one of another CA, out of date or not for clients fails the handshake
};

struct Limits {
  size_t body = 1024 * 1024;                     // bytes -> 413
  size_t header = 16 * 1024;                     // bytes of request line and fields together -> 431
  std::chrono::milliseconds header_time{10000};  // from the first byte, and for the TLS handshake -> 408
  std::chrono::milliseconds body_time{30000};    // for the whole body -> 408
  std::chrono::milliseconds idle_time{60000};    // between requests on one connection
  std::chrono::milliseconds write_time{30000};   // for a whole answer
  size_t connections = 4096;                     // more are closed at once
  size_t in_flight = 1024;                       // handed to handlers and not yet answered -> 503
  std::chrono::milliseconds stop_time{10000};    // stop() lets running requests end for so long
};

struct ServerOptions {
  std::string address = "127.0.0.1";  // IPv4 or IPv6 address, as text
  uint16_t port = 0;                  // 0: any free one, see Server::port()
  std::optional<TlsFiles> tls;        // none: plain HTTP, refused unless the address is loopback
  // The one target that also strangers may ask for, who have no certificate yet: exactly this text; empty: none.
  std::string open_target;
  Limits limits;
  unsigned io_threads = 1;
  unsigned handler_threads = 4;
};

class Server {
 public:
  explicit Server(ServerOptions options);  // throws Error(invalid) naming the option
  ~Server();                               // stop()
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Before start() only. `{name}` matches one non-empty path segment; a literal segment wins over it. GET also serves
  // HEAD. Throws Error(invalid) for a bad pattern or one that is taken.
  void route(const std::string& method, const std::string& pattern, Handler handler);
  void start();  // binds and listens; throws Error(unavailable) "cannot listen on ..."
  // Accepts no more, closes idle connections, lets running requests end for Limits::stop_time, then cuts the rest and
  // waits for the handler threads: a handler that never returns keeps it waiting. Not from a handler. Idempotent.
  void stop() noexcept;
  uint16_t port() const;  // after start()

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vbs::http
