// One client connection: reads requests one after the other, hands each to cpprestsdk's listener, writes its answer.
//
// A coroutine on a strand of its own; only the members marked so are called from other threads. The connection keeps
// itself alive while its coroutine runs, and Transport keeps the list of those that do.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <cpprest/http_msg.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "core/http/head.hpp"
#include "core/http/message.hpp"

namespace vbs::http {

class Connection;
class Transport;

// What travels with cpprestsdk's http_request and, once it is answered, with its http_response.
struct RequestContext : web::http::details::_http_server_context {
  std::shared_ptr<Connection> connection;
  uint64_t serial = 0;  // of the request on its connection
  std::shared_ptr<const Peer> peer;
  std::string request_id;
};

class Connection {
 public:
  using Clock = std::chrono::steady_clock;
  using Executor = boost::asio::any_io_executor;

  Connection(std::shared_ptr<Transport> transport, const Executor& executor, Peer peer);
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // From any thread. The answer to request `serial`; dropped when that is over (the client is gone).
  void answer(uint64_t serial, web::http::http_response response);
  void tick(Clock::time_point now);  // cancels the operation under way when its time is over
  void wind_down();                  // ends now if it waits for a request, else after the current one
  void cut();                        // ends now

  virtual std::shared_ptr<Connection> shared() = 0;

 protected:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  void set_deadline(std::chrono::milliseconds from_now) { deadline_ = Clock::now() + from_now; }
  void clear_deadline() { deadline_ = Clock::time_point::max(); }
  bool expired() const { return deadline_.load() <= Clock::now(); }
  virtual void cancel_io() = 0;
  virtual void close_io() = 0;

  void check_peer(const Parser& parser) const;  // throws Refusal
  void dispatch(Parser& parser);
  std::string response_head(web::http::http_response& response) const;
  void log_request(int status) const;

  std::shared_ptr<Transport> transport_;
  Executor executor_;
  std::shared_ptr<const Peer> peer_;
  boost::asio::steady_timer answered_;  // never expires; cancelled to wake the coroutine
  std::optional<web::http::http_response> response_;
  std::atomic<Clock::time_point> deadline_{Clock::time_point::max()};
  uint64_t serial_ = 0;
  std::string request_id_, method_, target_;
  web::http::http_headers headers_;
  Clock::time_point started_;
  bool keep_alive_ = false;
  bool http11_ = true;
  bool idle_ = false;  // waits for the first byte of a request
  bool cut_ = false;
};

// Stream: tcp::socket, or ssl::stream on one.
template <class Stream>
class StreamConnection final : public Connection, public std::enable_shared_from_this<StreamConnection<Stream>> {
 public:
  StreamConnection(std::shared_ptr<Transport> transport, Stream stream, Peer peer);
  std::shared_ptr<Connection> shared() override { return this->shared_from_this(); }
  void start();  // at most once

 private:
  using Await = boost::asio::awaitable<void>;
  using AwaitBool = boost::asio::awaitable<bool>;

  Await run();
  AwaitBool handshake();
  AwaitBool serve_one(bool first);                                      // whether the connection stays open
  AwaitBool read_request(bool first, std::optional<Parser>& parser);    // false: the client is gone; throws Refusal
  boost::asio::awaitable<std::optional<size_t>> read_head(bool first);  // bytes of the head
  AwaitBool read_more(size_t limit);
  AwaitBool send_response();
  Await send_refusal(const Refusal& refusal);
  Await say_goodbye();
  void cancel_io() override;
  void close_io() override;

  Stream stream_;
  boost::beast::flat_buffer buffer_;
};

using PlainStream = boost::asio::ip::tcp::socket;
using TlsStream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket>;
extern template class StreamConnection<PlainStream>;
extern template class StreamConnection<TlsStream>;

}  // namespace vbs::http
