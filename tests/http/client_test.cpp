#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/http/fixture.hpp"

namespace vbs::test {
namespace {
using namespace std::chrono_literals;

class ClientTest : public ::testing::Test {
 protected:
  void start(http::Limits limits = {}) {
    const auto files = ca_.server();
    server_ = std::make_unique<http::Server>(
        http::ServerOptions{.tls = http::TlsFiles{files.cert, files.key, ca_.file()}, .limits = limits});
    add_test_routes(*server_);
    server_->route("GET", "/big",
                   [](const http::Request&, http::Reply reply) { reply({.body = std::string(2 << 20, 'x')}); });
    server_->route("GET", "/slow", [](const http::Request&, http::Reply reply) {
      std::this_thread::sleep_for(1s);
      reply({.body = "1"});
    });
    server_->route("POST", "/count", [this](const http::Request&, http::Reply reply) {
      ++posts_;
      reply({.body = "1"});
    });
    server_->route("GET", "/fail", [](const http::Request&, http::Reply) {
      throw Error(Code::conflict, "the volume is in use", "state");
    });
    server_->start();
  }
  http::ClientOptions options(const std::string& host = "localhost") {
    return {.url = "https://" + host + ":" + std::to_string(server_->port()),
            .ca = ca_.file(),
            .cert = alice_.cert,
            .key = alice_.key};
  }
  static Error error_of(http::ClientOptions o, const std::string& method = "GET", const std::string& target = "/ping") {
    try {
      http::Client client(std::move(o));
      client.request(method, target);
    } catch (const Error& e) {
      return e;
    }
    return Error(Code::internal, "nothing was thrown");
  }
  TempDir dir_;
  Ca ca_{dir_.path(), "ca"}, other_{dir_.path(), "other"};
  PemFiles alice_ = ca_.client("alice");
  std::unique_ptr<http::Server> server_;
  std::atomic<int> posts_ = 0;
};

TEST_F(ClientTest, SpeaksWithItsCertificateToANameOrAnAddress) {
  start();
  for (const auto* host : {"localhost", "127.0.0.1"}) {
    http::Client client(options(host));
    EXPECT_EQ(client.get("/who").body, "CN=alice,O=Test");
    const auto echo = client.post("/echo", R"({"a":1})");
    EXPECT_EQ(echo.body, R"({"a":1})");
    EXPECT_EQ(echo.header("x-type"), "application/json");
    EXPECT_EQ(client.put("/echo", "[]").header("X-Method"), "PUT");
    EXPECT_EQ(client.del("/echo").header("X-Method"), "DELETE");
    EXPECT_EQ(client.request("HEAD", "/ping").status, 200);
    EXPECT_EQ(client.get("/items/" + http::encode_component("a/b c") + "?q=" + http::encode_component("x&y")).body,
              "a/b c|q=x&y");
  }
}

TEST_F(ClientTest, ErrorAnswerBecomesTheErrorThatItWas) {
  start();
  http::Client client(options());
  const auto answer = client.get("/fail");
  EXPECT_EQ(answer.status, 409);
  const auto error = http::to_error(answer);
  EXPECT_EQ(error.code(), Code::conflict);
  EXPECT_EQ(error.field(), "state");
  EXPECT_TRUE(std::string(error.what()).starts_with("the volume is in use (req-")) << error.what();
  EXPECT_EQ(http::to_error({.status = 404, .body = "<html>"}).code(), Code::not_found);
  EXPECT_EQ(http::to_error(client.request("PATCH", "/ping")).code(), Code::invalid);
}

TEST_F(ClientTest, NobodyThereIsSaidWithTheUrlAndWhatToLookAt) {
  start();
  const auto o = options();
  server_.reset();
  const auto error = error_of(o);
  EXPECT_EQ(error.code(), Code::unavailable);
  EXPECT_EQ(std::string(error.what()), "cannot reach " + o.url + ": connection refused; is vbsd running?");
  EXPECT_EQ(error_of(o, "POST").code(), Code::unavailable);
}

TEST_F(ClientTest, ServerOfAnotherCaOrNameIsNotTrusted) {
  start();
  auto o = options();
  o.ca = other_.file();
  auto error = error_of(o);
  EXPECT_EQ(error.code(), Code::unavailable);
  EXPECT_NE(std::string(error.what()).find("certificate is not accepted"), std::string::npos) << error.what();
  error = error_of(options("127.0.0.2"));  // same server by routing, but not in its certificate
  EXPECT_EQ(error.code(), Code::unavailable) << error.what();

  const auto files = ca_.sign("named", {.subject = {{"CN", "localhost"}}, .alt_names = "DNS:elsewhere"});
  http::Server named({.tls = http::TlsFiles{files.cert, files.key, ""}});
  named.start();
  o = options();
  o.url = "https://localhost:" + std::to_string(named.port());
  error = error_of(o);
  EXPECT_NE(std::string(error.what()).find("hostname mismatch"), std::string::npos) << error.what();
}

TEST_F(ClientTest, RefusedClientCertificateIsSaid) {
  start();
  auto o = options();
  const auto files = other_.client("mallory");
  o.cert = files.cert;
  o.key = files.key;
  const auto error = error_of(o);
  EXPECT_EQ(error.code(), Code::unauthenticated) << error.what();
  o.cert = o.key = "";
  http::Client nobody(o);
  EXPECT_EQ(http::to_error(nobody.get("/who")).code(), Code::unauthenticated);
}

TEST_F(ClientTest, AnswerOverTheCapIsRefused) {
  start();
  auto o = options();
  o.max_response = 1 << 20;
  http::Client client(o);
  try {
    client.get("/big");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::too_large) << e.what();
  }
  EXPECT_EQ(client.get("/ping").status, 200);
  o.max_response = 4 << 20;
  EXPECT_EQ(http::Client(o).get("/big").body.size(), size_t{2} << 20);
}

TEST_F(ClientTest, TimeIsLimited) {
  start();
  auto o = options();
  o.timeout = 200ms;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(error_of(o, "GET", "/slow").code(), Code::unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 900ms);
}

TEST_F(ClientTest, StaleConnectionIsReplacedAndAPostIsSentOnce) {
  http::Limits limits;
  limits.idle_time = 100ms;
  start(limits);
  http::Client client(options());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(client.get("/ping").status, 200);
    std::this_thread::sleep_for(400ms);  // the server has closed it
    EXPECT_EQ(client.post("/count", "{}").status, 200);
    std::this_thread::sleep_for(400ms);
  }
  EXPECT_EQ(posts_, 3);
}

// A server that closes without an answer, each time, also on a kept-alive connection: a POST must not be sent again.
TEST_F(ClientTest, PostWhoseAnswerIsLostIsNotRepeated) {
  http::Server server({.limits = quick_limits()});
  std::atomic<int> posts = 0;
  server.route("GET", "/ping", [](const http::Request&, http::Reply reply) { reply({.body = "1"}); });
  http::Reply held;
  std::thread stopper;
  server.route("POST", "/lost", [&](const http::Request&, http::Reply reply) {
    ++posts;
    held = reply;
    stopper = std::thread([&] { server.stop(); });
  });
  server.start();
  http::Client client({.url = "http://127.0.0.1:" + std::to_string(server.port()), .timeout = 15s});
  EXPECT_EQ(client.get("/ping").status, 200);
  try {
    client.post("/lost", "{}");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::unknown_outcome) << e.what();
  }
  EXPECT_EQ(posts, 1);
  stopper.join();
  held = nullptr;
}

TEST_F(ClientTest, BadOptionsAreNamed) {
  start();
  for (const auto* url : {"", "localhost:1", "ftp://h:1", "https://h:1/path", "http://example.invalid:1", "https://",
                          "https://u:p@h:1", "https://[::1]:1"}) {
    auto o = options();
    o.url = url;
    EXPECT_EQ(error_of(o).field(), "url") << url;
  }
  auto o = options();
  o.ca = "/nowhere.pem";
  EXPECT_EQ(error_of(o).field(), "ca");
  o = options();
  o.key = "";
  EXPECT_EQ(error_of(o).field(), "key");
  o = options();
  o.key = ca_.client("bob").key;
  EXPECT_EQ(error_of(o).field(), "key");
  EXPECT_EQ(error_of(options(), "GET", "no-slash").field(), "target");
  EXPECT_EQ(error_of(options(), "GET", "/a b").field(), "target");
  EXPECT_EQ(error_of(options(), "BAD METHOD").field(), "method");
}
}  // namespace
}  // namespace vbs::test
