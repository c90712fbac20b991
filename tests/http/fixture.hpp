// Servers for tests: a plain one on loopback, or a TLS one with its CAs, with short limits unless told otherwise.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "core/http/client.hpp"
#include "core/http/server.hpp"
#include "tests/http/raw_client.hpp"
#include "tests/support/certs.hpp"

namespace vbs::test {

http::Limits quick_limits();  // body 1000, header 2000 bytes; times 300 ms; stop 500 ms

// With these routes: GET /ping -> {"ok":true}; any method /echo -> the body and what was seen of it (method, type);
// GET /who -> {"subject","address"}; GET /items/{id} -> the id and the query.
void add_test_routes(http::Server& server);

class PlainServer : public ::testing::Test {
 protected:
  // Routes are added between make() and start().
  http::Server& make(http::ServerOptions options = {});
  http::Server& start_with_test_routes(http::ServerOptions options = {});
  RawResponse say(const std::string& bytes);  // on a connection of its own
  static std::string get(const std::string& target, const std::string& more = "");
  static std::string post(const std::string& target, const std::string& body, const std::string& more = "");
  std::unique_ptr<http::Server> server_;
};

// What an error answer must look like: status, code word, the request id in body and header.
void expect_error(const RawResponse& response, int status, const std::string& code);

}  // namespace vbs::test
