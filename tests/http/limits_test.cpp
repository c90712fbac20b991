// Too large, too slow, too many.
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/http/fixture.hpp"

namespace vbs::test {
namespace {
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

class LimitsTest : public PlainServer {
 protected:
  void SetUp() override { start_with_test_routes({.limits = quick_limits()}); }
};

TEST_F(LimitsTest, DeclaredBodyOverTheLimitIs413WithoutReadingIt) {
  RawClient client(server_->port());
  client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 1001\r\n\r\n");
  expect_error(client.read_response(), 413, "too_large");
  EXPECT_TRUE(client.closed_by_server());
  EXPECT_EQ(say(post("/echo", std::string(1000, '1'))).status, 200);
}

TEST_F(LimitsTest, AnswerReachesAClientThatKeepsSending) {
  RawClient client(server_->port());
  client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n\r\n");
  client.send(std::string(900000, 'x'));
  expect_error(client.read_response(), 413, "too_large");
}

TEST_F(LimitsTest, ChunkedBodyOverTheLimitIs413) {
  std::string bytes =
      "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 20; ++i) bytes += "64\r\n" + std::string(100, '1') + "\r\n";
  expect_error(say(bytes), 413, "too_large");
}

TEST_F(LimitsTest, HeaderOverTheLimitIs431) {
  expect_error(say(get("/ping", "X: " + std::string(3000, 'x') + "\r\n")), 431, "header_too_large");
  expect_error(say(get("/" + std::string(3000, 'x'))), 431, "header_too_large");
  expect_error(say("GET /ping HTTP/1.1\r\nX: " + std::string(100000, 'x')), 431, "header_too_large");
}

TEST_F(LimitsTest, SlowHeaderIs408AndClosed) {
  RawClient client(server_->port());
  client.send("GET /ping HTT");
  expect_error(client.read_response(), 408, "timeout");
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(LimitsTest, DrippingHeaderIs408DespiteItsProgress) {
  RawClient client(server_->port());
  const auto start = Clock::now();
  std::thread dripping([&] {
    try {
      for (const char c : get("/ping", "X: " + std::string(200, 'x') + "\r\n")) {
        client.send(std::string(1, c));
        std::this_thread::sleep_for(20ms);
      }
    } catch (const std::exception&) {  // closed in the middle, as it should be
    }
  });
  expect_error(client.read_response(), 408, "timeout");
  EXPECT_LT(Clock::now() - start, 2s);
  dripping.join();
}

TEST_F(LimitsTest, SlowBodyIs408AndClosed) {
  RawClient client(server_->port());
  const auto whole = post("/echo", "[1,2,3]");
  client.send(whole.substr(0, whole.size() - 3));
  expect_error(client.read_response(), 408, "timeout");
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(LimitsTest, IdleConnectionIsClosedWithoutAWord) {
  RawClient silent(server_->port());
  EXPECT_TRUE(silent.closed_by_server());
  RawClient kept(server_->port());
  kept.send(get("/ping"));
  kept.read_response();
  EXPECT_TRUE(kept.closed_by_server());
}

TEST_F(LimitsTest, ClientThatDoesNotReadIsCutOff) {
  auto options = http::ServerOptions{.limits = quick_limits()};
  make(options).route("GET", "/big",
                      [](const http::Request&, http::Reply reply) { reply({.body = std::string(64 << 20, 'x')}); });
  server_->start();
  RawClient client(server_->port());
  client.send(get("/big"));
  std::this_thread::sleep_for(800ms);
  size_t got = 0;
  for (std::string bytes = client.read_some(); !bytes.empty(); bytes = client.read_some()) got += bytes.size();
  EXPECT_LT(got, size_t{64} << 20);
}

TEST_F(LimitsTest, ConnectionsOverTheLimitAreClosedAtOnce) {
  auto limits = quick_limits();
  limits.connections = 2;
  limits.header_time = limits.idle_time = 5s;
  start_with_test_routes({.limits = limits});
  RawClient one(server_->port()), two(server_->port());
  one.send(get("/ping"));
  two.send(get("/ping"));
  one.read_response();
  two.read_response();
  RawClient three(server_->port());
  EXPECT_TRUE(three.closed_by_server());
  one.send(get("/ping"));
  EXPECT_EQ(one.read_response().status, 200);
}

TEST_F(LimitsTest, RequestsOverTheInFlightLimitAre503WithRetryAfter) {
  auto limits = quick_limits();
  limits.in_flight = 1;
  std::mutex mutex;
  std::condition_variable arrived;
  http::Reply held;
  add_test_routes(make({.limits = limits}));
  server_->route("GET", "/hold", [&](const http::Request&, http::Reply reply) {
    std::lock_guard lock(mutex);
    held = std::move(reply);
    arrived.notify_one();
  });
  server_->start();
  RawClient holder(server_->port());
  holder.send(get("/hold"));
  {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(arrived.wait_for(lock, 5s, [&] { return held != nullptr; }));
  }
  const auto response = say(get("/ping"));
  expect_error(response, 503, "busy");
  EXPECT_EQ(response.header("Retry-After"), "1");
  held({.body = "1"});
  EXPECT_EQ(holder.read_response().body, "1");
  EXPECT_EQ(say(get("/ping")).status, 200);
  held = nullptr;
}
}  // namespace
}  // namespace vbs::test
