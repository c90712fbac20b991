// What adapters see of HTTP: a request, its peer, a response. Plain values: no cpprestsdk, Beast or OpenSSL type passes
// this line (docs: cpprestsdk stays inside core/http).
#pragma once
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/error.hpp"

namespace vbs::http {

using Fields = std::vector<std::pair<std::string, std::string>>;

// The peer's certificate, already verified by TLS against the server's client CA. Names are RFC 4514 strings (most
// specific part first, "CN=alice,O=Example"), in UTF-8, control characters escaped.
struct Certificate {
  std::string subject;
  std::string issuer;
  std::string serial;  // upper-case hex
  std::chrono::system_clock::time_point not_after;
  std::vector<std::string> uri_sans;  // URI subject alternative names, in their order
};

struct Peer {
  std::string address;                     // IP address as text, without port
  std::optional<Certificate> certificate;  // always there when the server has a client CA
};

struct Request {
  std::string method;
  std::string path;                           // as sent: percent-encoded, without the query
  std::map<std::string, std::string> params;  // from the route's pattern, percent-decoded
  Fields query;                               // decoded, in order, duplicates kept
  Fields headers;                             // a repeated field is one entry, its values joined with ", "
  std::string body;                           // at most Limits::body bytes
  Peer peer;
  std::string request_id;  // "req-" + UUID, made by the edge; also sent as X-Request-Id

  std::optional<std::string_view> header(std::string_view name) const;  // case-insensitive
  // The one value of a query parameter. Throws Error(invalid) when it was given more than once.
  std::optional<std::string_view> query_value(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  // Beyond those that the edge writes itself (Content-Length, Connection, Date, X-Request-Id, ...). A name or value
  // that is not a legal field turns the whole answer into a logged 500: it may carry somebody's CR LF.
  Fields headers;
};

// {"error":{"code":"not_found","message":"...","field":"size","request_id":"req-..."}} with http_status(error.code());
// `busy` asks for a pause with Retry-After.
Response error_response(const Error& error, const std::string& request_id);
// The same body for what only HTTP knows: 405, 408, 415, 431 ...
Response error_response(int status, std::string_view code, std::string_view message, const std::string& request_id,
                        std::string_view field = {});

bool iequals(std::string_view a, std::string_view b);                                     // ASCII
std::optional<std::string_view> find_field(const Fields& fields, std::string_view name);  // first of that name

}  // namespace vbs::http
