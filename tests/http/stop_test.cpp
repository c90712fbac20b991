#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/http/fixture.hpp"

namespace vbs::test {
namespace {
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

class Stop : public PlainServer {
 protected:
  void start_with_held_route(http::Limits limits = quick_limits()) {
    add_test_routes(make({.limits = limits}));
    server_->route("GET", "/hold", [this](const http::Request&, http::Reply reply) {
      std::lock_guard lock(mutex_);
      held_ = std::move(reply);
      arrived_.notify_one();
    });
    server_->start();
  }
  void wait_until_held() {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(arrived_.wait_for(lock, 5s, [&] { return held_ != nullptr; }));
  }
  std::mutex mutex_;
  std::condition_variable arrived_;
  http::Reply held_;
};

TEST_F(Stop, RunningRequestIsAnsweredAndItsConnectionClosed) {
  auto limits = quick_limits();
  limits.stop_time = 10s;
  start_with_held_route(limits);
  RawClient client(server_->port());
  client.send(get("/hold"));
  wait_until_held();
  std::thread stopping([this] { server_->stop(); });
  std::this_thread::sleep_for(200ms);
  held_({.body = "finished"});
  const auto response = client.read_response();
  EXPECT_EQ(response.body, "finished");
  EXPECT_EQ(response.header("Connection"), "close");
  EXPECT_TRUE(client.closed_by_server());
  stopping.join();
  EXPECT_THROW(RawClient{server_->port()}, std::runtime_error);
  held_ = nullptr;
}

TEST_F(Stop, IdleConnectionsEndAtOnce) {
  auto limits = quick_limits();
  limits.idle_time = limits.header_time = limits.stop_time = 20s;
  start_with_test_routes({.limits = limits});
  RawClient kept(server_->port()), silent(server_->port());
  kept.send(get("/ping"));
  kept.read_response();
  const auto start = Clock::now();
  std::thread stopping([this] { server_->stop(); });
  EXPECT_TRUE(kept.closed_by_server());
  EXPECT_TRUE(silent.closed_by_server());
  stopping.join();
  EXPECT_LT(Clock::now() - start, 5s);
}

TEST_F(Stop, RequestWithoutAnAnswerIsCutAfterTheGraceAndItsLateReplyIsHarmless) {
  start_with_held_route();
  RawClient client(server_->port());
  client.send(get("/hold"));
  wait_until_held();
  const auto start = Clock::now();
  server_->stop();
  EXPECT_GE(Clock::now() - start, 500ms);
  EXPECT_LT(Clock::now() - start, 5s);
  EXPECT_TRUE(client.closed_by_server());
  server_.reset();
  held_({.body = "too late"});
  held_ = nullptr;
}

TEST_F(Stop, IsSafeUnderLoadAndTwice) {
  for (int round = 0; round < 5; ++round) {
    start_with_test_routes({.limits = quick_limits(), .io_threads = 2});
    std::atomic<bool> go_on = true;
    std::vector<std::thread> clients;
    std::atomic<int> answered = 0;
    for (int i = 0; i < 4; ++i)
      clients.emplace_back([&] {
        while (go_on) try {
            RawClient client(server_->port());
            for (int n = 0; n < 20; ++n) {
              client.send(get("/ping"));
              if (client.read_response().status == 200) ++answered;
            }
          } catch (const std::exception&) {
            std::this_thread::sleep_for(1ms);  // stopped meanwhile
          }
      });
    std::this_thread::sleep_for(50ms);
    server_->stop();
    server_->stop();
    go_on = false;
    for (auto& client : clients) client.join();
    EXPECT_GT(answered, 0);
  }
}

TEST_F(Stop, SeveralServersLiveAndEndIndependently) {
  auto first = std::make_unique<http::Server>(http::ServerOptions{});
  add_test_routes(*first);
  first->start();
  start_with_test_routes();
  EXPECT_NE(first->port(), server_->port());
  first.reset();
  EXPECT_EQ(say(get("/ping")).status, 200);
}

TEST(ServerLife, ServerThatNeverStartedEndsQuietly) {
  http::Server server({});
  server.stop();
}
}  // namespace
}  // namespace vbs::test
