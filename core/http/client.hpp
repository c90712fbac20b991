// A small blocking HTTPS client for our own command line and tests, on cpprestsdk's http_client (hidden here). One
// peer, kept-alive connections, JSON bodies. Use one Client per thread, or lock around it.
//
//   Client vbsd({.url = "https://localhost:8775", .ca = "ca.pem", .cert = "alice.pem", .key = "alice.key"});
//   auto answer = vbsd.post("/v1/volumes", body);
//   if (answer.status >= 400) throw to_error(answer);
//
// A 4xx or 5xx is an answer, not an exception. request() throws vbs::Error:
//   unavailable      nobody answers there, TLS fails, or the time is over for a request that may be sent again
//   unknown_outcome  the connection was lost after a request that must not be repeated had been sent
//   too_large        the answer passes Options::max_response
//   invalid          a wrong URL, method or file (the message names it)
//
// The server's certificate is checked against `ca` alone (never the system's CAs) and against the URL's host: a DNS
// name by its DNS names, an IPv4 address by its IP addresses, never by the common name (RFC 6125). Redirects are not
// followed and no proxy is used.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "core/http/message.hpp"

namespace vbs::http {

struct ClientOptions {
  std::string url;        // "https://host:port", without a path; plain http only to a loopback address
  std::string ca;         // PEM file of the CAs that may have signed the server's certificate
  std::string cert, key;  // PEM files of our own certificate (chain) and key; empty: none
  std::chrono::milliseconds timeout{60000};     // for a whole request with its answer
  uint64_t max_response = 64ull * 1024 * 1024;  // bytes of body
};

struct ClientResponse {
  int status = 0;
  std::string body;
  Fields headers;
  std::optional<std::string_view> header(std::string_view name) const { return find_field(headers, name); }
};

class Client {
 public:
  explicit Client(ClientOptions options);  // reads and checks the files; connects at the first request
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // `target` is "/path?query", already encoded (see encode_component). A body is sent as application/json. GET, HEAD,
  // PUT and DELETE are sent again, once, when a kept-alive connection turns out to be stale. Any other method gets a
  // new connection, because cpprestsdk itself would repeat it on a stale one; with an Idempotency-Key header a
  // repetition does no harm and it is treated like a GET.
  ClientResponse request(const std::string& method, const std::string& target, std::string body = {},
                         const Fields& headers = {});
  ClientResponse get(const std::string& target) { return request("GET", target); }
  ClientResponse post(const std::string& target, std::string body) { return request("POST", target, std::move(body)); }
  ClientResponse put(const std::string& target, std::string body) { return request("PUT", target, std::move(body)); }
  ClientResponse del(const std::string& target) { return request("DELETE", target); }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The server's error body as the Error that it was there (code, message with the request id, field). An answer that
// is not ours becomes the nearest code by its status.
Error to_error(const ClientResponse& response);

std::string encode_component(std::string_view text);  // for one path segment or query value (RFC 3986 unreserved kept)

}  // namespace vbs::http
