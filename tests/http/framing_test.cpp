// Requests that two parties could read differently (smuggling), keep-alive, pipelining, chunks.
#include "tests/http/fixture.hpp"

namespace vbs::test {
namespace {
class Framing : public PlainServer {
 protected:
  void SetUp() override { start_with_test_routes({.limits = quick_limits()}); }
  void expect_refused(const std::string& bytes) {
    RawClient client(server_->port());
    client.send(bytes);
    expect_error(client.read_response(), 400, "invalid");
    EXPECT_TRUE(client.closed_by_server()) << bytes;
  }
};

TEST_F(Framing, SmugglingFormsAre400AndTheConnectionIsClosed) {
  const std::string start = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n";
  const std::string rest = "\r\n0\r\n\r\nGET /ping HTTP/1.1\r\nHost: h\r\n\r\n";
  for (const auto* lines :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5, 5\r\n", "Content-Length: +5\r\n", "Content-Length: 5a\r\n", "Content-Length: -1\r\n",
        "Transfer-Encoding: gzip\r\n", "Transfer-Encoding: chunked, gzip\r\n", "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: x\r\n chunked\r\n", "Transfer-Encoding : chunked\r\n", "X: a\r\n folded\r\n",
        "X: a\rContent-Length: 5\r\n", "Content-Length: 5\nX: y\r\n", "Host: other\r\n", "X\t: a\r\n"})
    expect_refused(start + lines + rest);
  expect_refused("GET /ping HTTP/1.1\r\n\r\n");
  expect_refused("\r\nGET /ping HTTP/1.1\r\nHost: h\r\n\r\n");
}

TEST_F(Framing, TheChunkThatEndsCpprestsdksOwnServerIs400) {
  expect_refused(
      "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n");
  for (const auto* chunk : {"ffffffffffffffffff\r\n", "5\nabcde\r\n", "2\r\n{}XX", "zz\r\n", "\r\n", "2 \r\n{}",
                            "2;a=\"b\"\r\n{}", "2;a=\"\nb\"\r\n{}", "2;a=\tb\r\n{}"})
    expect_refused(
        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" +
        std::string(chunk) + "\r\n0\r\n\r\n");
  EXPECT_EQ(say(get("/ping")).status, 200);
}

TEST_F(Framing, ChunkedBodiesArrive) {
  const auto response =
      say("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
          "3;ext=1\r\n{\"a\r\n5\r\n\":1 }\r\n0\r\n\r\n");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "{\"a\":1 }");
}

TEST_F(Framing, ChunkExtensionOver256BytesIs400) {
  expect_refused(
      "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2;a=" +
      std::string(300, 'x') + "\r\n{}\r\n0\r\n\r\n");
}

TEST_F(Framing, TrailersNeverBecomeHeaders) {
  const auto response =
      say("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
          "2\r\n{}\r\n0\r\nSecret: from-trailer\r\n\r\n");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("X-Secret"), "none");
}

TEST_F(Framing, PipelinedRequestsAreAnsweredInOrder) {
  RawClient client(server_->port());
  client.send(get("/items/1") + post("/echo", "[2]") + get("/items/3"));
  EXPECT_EQ(client.read_response().body, "1");
  EXPECT_EQ(client.read_response().body, "[2]");
  EXPECT_EQ(client.read_response().body, "3");
}

TEST_F(Framing, ConnectionCloseAndHttp10AreHonoured) {
  RawClient closing(server_->port());
  closing.send(get("/ping", "Connection: close\r\n"));
  EXPECT_EQ(closing.read_response().header("Connection"), "close");
  EXPECT_TRUE(closing.closed_by_server());
  RawClient old(server_->port());
  old.send("GET /ping HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.read_response().status, 200);
  EXPECT_TRUE(old.closed_by_server());
  RawClient kept(server_->port());
  kept.send("GET /ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(kept.read_response().header("Connection"), "keep-alive");
  kept.send("GET /ping HTTP/1.0\r\n\r\n");
  EXPECT_EQ(kept.read_response().status, 200);
}

TEST_F(Framing, ExpectContinueIsAnswered) {
  RawClient client(server_->port());
  const auto whole = post("/echo", "{}", "Expect: 100-continue\r\n");
  client.send(whole.substr(0, whole.size() - 2));
  EXPECT_EQ(client.read_response().status, 100);
  client.send("{}");
  EXPECT_EQ(client.read_response().body, "{}");
  expect_error(say(post("/echo", "{}", "Expect: magic\r\n")), 417, "expectation_failed");
}

TEST_F(Framing, BytesOfAnyKindNeverStopTheServer) {
  unsigned seed = 1;
  for (int round = 0; round < 200; ++round) {
    std::string bytes = post("/echo", "{\"a\":1}", "Transfer-Encoding: chunked\r\n");
    for (int i = 0; i < 6; ++i) {
      seed = seed * 1103515245 + 12345;
      bytes[(seed >> 8) % bytes.size()] = static_cast<char>(seed >> 24);
    }
    RawClient client(server_->port());
    client.send(bytes);
  }
  EXPECT_EQ(say(get("/ping")).status, 200);
}
}  // namespace
}  // namespace vbs::test
