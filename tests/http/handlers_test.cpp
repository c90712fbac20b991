// What handlers do, well or badly, and what the client sees of it.
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/http/fixture.hpp"

namespace vbs::test {
namespace {
using namespace std::chrono_literals;

class Handlers : public PlainServer {
 protected:
  RawResponse answer_of(http::Handler handler) {
    make().route("GET", "/x", std::move(handler));
    server_->start();
    return say(get("/x"));
  }
};

TEST_F(Handlers, ReplyMayComeLaterFromAnotherThread) {
  std::thread later;
  const auto response = answer_of([&](const http::Request& request, http::Reply reply) {
    later = std::thread([&request, reply] {
      std::this_thread::sleep_for(400ms);
      reply({.body = '"' + request.path + '"'});  // the request lives as long as a copy of its reply
    });
  });
  later.join();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "\"/x\"");
}

TEST_F(Handlers, LongPollsTakeNoHandlerThread) {
  std::mutex mutex;
  std::vector<http::Reply> waiting;
  add_test_routes(make({.handler_threads = 1}));
  server_->route("GET", "/poll", [&](const http::Request&, http::Reply reply) {
    std::lock_guard lock(mutex);
    waiting.push_back(std::move(reply));
  });
  server_->start();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(std::make_unique<RawClient>(server_->port()));
    clients.back()->send(get("/poll"));
  }
  for (size_t n = 0; n < 50; std::this_thread::sleep_for(5ms)) {
    std::lock_guard lock(mutex);
    n = waiting.size();
  }
  EXPECT_EQ(say(get("/ping")).status, 200);
  for (auto& reply : waiting) reply({.body = "now"});
  for (auto& client : clients) EXPECT_EQ(client->read_response().body, "now");
  waiting.clear();
}

TEST_F(Handlers, ThrownErrorBecomesItsStatusAndBody) {
  const auto response = answer_of(
      [](const http::Request&, http::Reply) { throw Error(Code::conflict, "the volume is in use", "state"); });
  expect_error(response, 409, "conflict");
  EXPECT_NE(response.body.find("the volume is in use"), std::string::npos);
  EXPECT_NE(response.body.find(R"("field":"state")"), std::string::npos);
}

TEST_F(Handlers, DetailOfAnUnexpectedExceptionStaysInTheLog) {
  for (const http::Handler& handler :
       {http::Handler([](const http::Request&, http::Reply) { throw std::runtime_error("s3cret"); }),
        http::Handler([](const http::Request&, http::Reply) { throw Error(Code::internal, "s3cret"); }),
        http::Handler([](const http::Request&, http::Reply) { throw 42; })}) {
    const auto response = answer_of(handler);
    expect_error(response, 500, "internal");
    EXPECT_EQ(response.body.find("s3cret"), std::string::npos);
  }
}

TEST_F(Handlers, ThrowingAfterTheReplyChangesNothing) {
  const auto response = answer_of([](const http::Request&, http::Reply reply) {
    reply({.body = "done"});
    throw std::runtime_error("too late");
  });
  EXPECT_EQ(response.body, "done");
  EXPECT_EQ(say(get("/x")).body, "done");
}

TEST_F(Handlers, SecondReplyIsIgnored) {
  make().route("GET", "/x", [](const http::Request&, http::Reply reply) {
    reply({.body = "first"});
    reply({.body = "second"});
  });
  server_->start();
  RawClient client(server_->port());
  for (int i = 0; i < 3; ++i) {
    client.send(get("/x"));
    EXPECT_EQ(client.read_response().body, "first");
  }
}

TEST_F(Handlers, ReplyThatIsDroppedAnswers500) {
  expect_error(answer_of([](const http::Request&, http::Reply) {}), 500, "internal");
}

TEST_F(Handlers, AnswerThatWouldSplitTheResponseIs500) {
  for (const http::Fields& headers :
       {http::Fields{{"Location", "/a\r\nSet-Cookie: x"}}, http::Fields{{"X", "a\nb"}}, http::Fields{{"X\r\nY", "a"}},
        http::Fields{{"", "a"}}, http::Fields{{"X", std::string("a\0b", 3)}}, http::Fields{{"Content-Length", "3"}},
        http::Fields{{"transfer-encoding", "chunked"}}}) {
    const auto response = answer_of([&](const http::Request&, http::Reply reply) { reply({.headers = headers}); });
    expect_error(response, 500, "internal");
    EXPECT_EQ(response.header("Set-Cookie"), "");
  }
  const auto odd = [](const http::Request&, http::Reply reply) { reply({.content_type = "a\r\nX: y"}); };
  expect_error(answer_of(odd), 500, "internal");
  expect_error(answer_of([](const http::Request&, http::Reply reply) { reply({.status = 99}); }), 500, "internal");
}

TEST_F(Handlers, LargeAnswersArriveWhole) {
  std::string large(600 * 1024, ' ');
  for (size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>('a' + i * 7 % 26);
  const auto response = answer_of([&](const http::Request&, http::Reply reply) { reply({.body = large}); });
  EXPECT_TRUE(response.body == large);
}

TEST_F(Handlers, NoContentHasNoLength) {
  const auto response = answer_of([](const http::Request&, http::Reply reply) { reply({.status = 204}); });
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(response.header("Content-Length"), "");
}

TEST_F(Handlers, ClientThatLeavesBeforeTheAnswerHarmsNobody) {
  std::mutex mutex;
  std::condition_variable arrived;
  http::Reply held;
  add_test_routes(make());
  server_->route("GET", "/hold", [&](const http::Request&, http::Reply reply) {
    std::lock_guard lock(mutex);
    held = std::move(reply);
    arrived.notify_one();
  });
  server_->start();
  {
    RawClient client(server_->port());
    client.send(get("/hold"));
    std::unique_lock lock(mutex);
    ASSERT_TRUE(arrived.wait_for(lock, 5s, [&] { return held != nullptr; }));
  }
  held({.body = std::string(100000, 'x')});
  held = nullptr;
  EXPECT_EQ(say(get("/ping")).status, 200);
}
}  // namespace
}  // namespace vbs::test
