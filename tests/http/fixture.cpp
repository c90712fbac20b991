#include "tests/http/fixture.hpp"

#include "core/base/ids.hpp"
#include "core/base/json.hpp"

namespace vbs::test {
using namespace std::chrono_literals;

http::Limits quick_limits() {
  http::Limits limits;
  limits.body = 1000;
  limits.header = 2000;
  limits.header_time = limits.body_time = limits.idle_time = limits.write_time = 300ms;
  limits.stop_time = 500ms;
  return limits;
}

void add_test_routes(http::Server& server) {
  server.route("GET", "/ping", [](const http::Request&, http::Reply reply) { reply({.body = R"({"ok":true})"}); });
  const auto echo = [](const http::Request& request, http::Reply reply) {
    reply({.content_type = "text/plain",
           .body = request.body,
           .headers = {{"X-Method", request.method},
                       {"X-Type", std::string(request.header("Content-Type").value_or("none"))},
                       {"X-Secret", std::string(request.header("Secret").value_or("none"))}}});
  };
  for (const auto* method : {"GET", "POST", "PUT", "DELETE"}) server.route(method, "/echo", echo);
  server.route("GET", "/who", [](const http::Request& request, http::Reply reply) {
    const auto& certificate = request.peer.certificate;
    reply({.content_type = "text/plain", .body = certificate ? certificate->subject : "nobody"});
  });
  server.route("GET", "/items/{id}", [](const http::Request& request, http::Reply reply) {
    std::string body = request.params.at("id");
    for (const auto& [name, value] : request.query) body += "|" + name + "=" + value;
    reply({.content_type = "text/plain", .body = body});
  });
}

http::Server& PlainServer::make(http::ServerOptions options) {
  server_ = std::make_unique<http::Server>(std::move(options));
  return *server_;
}

http::Server& PlainServer::start_with_test_routes(http::ServerOptions options) {
  add_test_routes(make(std::move(options)));
  server_->start();
  return *server_;
}

RawResponse PlainServer::say(const std::string& bytes) {
  RawClient client(server_->port());
  client.send(bytes);
  return client.read_response(bytes.starts_with("HEAD "));
}

std::string PlainServer::get(const std::string& target, const std::string& more) {
  return "GET " + target + " HTTP/1.1\r\nHost: test\r\n" + more + "\r\n";
}

std::string PlainServer::post(const std::string& target, const std::string& body, const std::string& more) {
  return "POST " + target +
         " HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + more + "\r\n" + body;
}

void expect_error(const RawResponse& response, int status, const std::string& code) {
  EXPECT_EQ(response.status, status);
  EXPECT_EQ(response.header("content-type"), "application/json");
  ASSERT_NO_THROW({
    const auto document = parse_json(response.body);
    const auto& error = document["error"];
    EXPECT_EQ(std::string(error["code"].GetString()), code);
    EXPECT_FALSE(std::string(error["message"].GetString()).empty());
    const std::string id = error["request_id"].GetString();
    EXPECT_EQ(id, response.header("x-request-id"));
    EXPECT_TRUE(id.starts_with("req-") && is_uuid(id.substr(4))) << id;
  }) << response.body;
}
}  // namespace vbs::test
