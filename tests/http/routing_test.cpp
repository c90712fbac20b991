// What a request becomes on its way to a handler, and the answers that need none.
#include "tests/http/fixture.hpp"

namespace vbs::test {
namespace {
class Routing : public PlainServer {
 protected:
  void SetUp() override { start_with_test_routes({.limits = quick_limits()}); }
};

TEST_F(Routing, HandlerGetsDecodedParametersAndQuery) {
  EXPECT_EQ(say(get("/items/a%20b?x=1&x=2&y=%26")).body, "a b|x=1|x=2|y=&");
}

TEST_F(Routing, EveryAnswerHasItsOwnRequestIdAndADate) {
  const auto one = say(get("/ping")), two = say(get("/ping"));
  EXPECT_TRUE(one.header("X-Request-Id").starts_with("req-"));
  EXPECT_NE(one.header("X-Request-Id"), two.header("X-Request-Id"));
  EXPECT_NE(one.header("Date"), "");
}

TEST_F(Routing, UnknownPathIs404) { expect_error(say(get("/nowhere")), 404, "not_found"); }

TEST_F(Routing, WrongMethodIs405AndNamesTheRightOnes) {
  const auto response = say("DELETE /ping HTTP/1.1\r\nHost: h\r\n\r\n");
  expect_error(response, 405, "method_not_allowed");
  EXPECT_EQ(response.header("Allow"), "GET, HEAD");
  EXPECT_EQ(say("OPTIONS /ping HTTP/1.1\r\nHost: h\r\n\r\n").status, 405);
  EXPECT_EQ(say("FOO /ping HTTP/1.1\r\nHost: h\r\n\r\n").status, 405);
}

TEST_F(Routing, TraceReflectsNothing) {
  for (const auto* path : {"/ping", "/nowhere", "/echo"}) {
    const auto response = say(std::string("TRACE ") + path + " HTTP/1.1\r\nHost: h\r\nSecret: s3cret\r\n\r\n");
    expect_error(response, 405, "method_not_allowed");
    EXPECT_EQ(response.body.find("s3cret"), std::string::npos);
  }
}

TEST_F(Routing, ConnectIsRefused) {
  expect_error(say("CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n"), 501, "not_supported");
}

TEST_F(Routing, HeadSendsTheLengthButNeverABody) {
  RawClient client(server_->port());
  for (const auto* path : {"/ping", "/nowhere"}) {
    client.send(std::string("HEAD ") + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_NE(client.read_response(true).header("Content-Length"), "0");
  }
  client.send(get("/ping"));  // would meet left-over bytes
  EXPECT_EQ(client.read_response().body, R"({"ok":true})");
}

TEST_F(Routing, BodyMustBeJsonByItsContentType) {
  EXPECT_EQ(say(post("/echo", "{}")).body, "{}");
  const std::string start = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n";
  EXPECT_EQ(say(start + "Content-Type: Application/JSON ; charset=utf-8\r\n\r\n{}").status, 200);
  for (const auto* type : {"", "Content-Type: text/plain\r\n", "Content-Type: application/jsonx\r\n",
                           "Content-Type: application/x-www-form-urlencoded\r\n"})
    expect_error(say(start + type + "\r\n{}"), 415, "unsupported_media_type");
  EXPECT_EQ(say("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n").status, 200);
}

TEST_F(Routing, OddTargetsAre400) {
  for (const auto* target :
       {"/items/%zz", "/items/%00", "/items/..", "//evil/ping", "*", "ping", "/a?b=%", "/[", "/a#b"}) {
    SCOPED_TRACE(target);
    expect_error(say(get(target)), 400, "invalid");
  }
}

TEST_F(Routing, TargetThatNamesAHostIsRefused) {
  for (const auto* target : {"http://h:1/ping", "https://test/ping", "test:443", "*", "ping"})
    expect_error(say(get(target)), 400, "invalid");
}

TEST_F(Routing, RepeatedHeadersAreJoined) {
  EXPECT_EQ(say(get("/echo", "Secret: a\r\nSecret: b\r\n")).header("X-Secret"), "a, b");
}

TEST_F(Routing, RoutesCannotBeAddedLater) {
  EXPECT_THROW(server_->route("GET", "/late", [](const http::Request&, http::Reply) {}), Error);
}

TEST(ServerOptions, PlainHttpAndBadAddressesAreRefused) {
  EXPECT_THROW(http::Server({.address = "0.0.0.0"}), Error);
  EXPECT_THROW(http::Server({.address = "localhost"}), Error);
  EXPECT_THROW(http::Server({.handler_threads = 0}), Error);
  EXPECT_NO_THROW(http::Server({.address = "::1"}));
}

TEST_F(Routing, TakenPortIsSaidClearly) {
  http::Server other({.port = server_->port()});
  try {
    other.start();
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::unavailable);
    EXPECT_NE(std::string(e.what()).find(std::to_string(server_->port())), std::string::npos) << e.what();
  }
}
}  // namespace
}  // namespace vbs::test
