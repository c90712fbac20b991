// The sockets behind one cpprestsdk listener.
//
// cpprestsdk's own server must not face a network (2.10.18: one packet with chunk size -1 ends the process; no limits,
// no time-outs, no peer certificate, TLS context rebuilt for each connection). So its listener and message API stay,
// and the bytes are moved here, by Boost.Beast.
#pragma once
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <utility>  // before awaitable.hpp, which needs it and does not say so (Boost 1.74)
#include <vector>

#include <cpprest/http_listener.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include "core/http/server.hpp"

namespace vbs::http {

class Connection;

class Transport : public std::enable_shared_from_this<Transport> {
 public:
  using Listener = web::http::experimental::listener::details::http_listener_impl;

  explicit Transport(const ServerOptions& options);  // reads the TLS files; throws Error(invalid)
  void bind();                                       // throws Error(unavailable)
  std::string uri() const;                           // of the listener that belongs here, after bind()
  uint16_t port() const { return port_; }

  void listen(Listener* listener);  // called by Bridge when that listener is opened
  // Ends all: see Server::stop(). Afterwards no thread of ours uses the listener. Idempotent.
  void stop();

  const Limits& limits() const { return options_.limits; }
  Listener* listener() const { return listener_; }
  bool stopping() const { return stopping_; }
  bool is_open(const std::string& target) const {
    return !options_.open_target.empty() && target == options_.open_target;
  }
  bool wants_client_certificate() const { return options_.tls && !options_.tls->client_ca.empty(); }
  // Posts to `executor` unless the transport has stopped; from any thread. An io_context with a stored handler that
  // owns a connection that owns the transport would never be freed.
  void post(const boost::asio::any_io_executor& executor, std::function<void()> job);
  void remove(Connection* connection);

 private:
  boost::asio::awaitable<void> accept_loop();
  void admit(boost::asio::ip::tcp::socket socket);
  void start_ticking();
  void run_io();
  bool wait_until_empty(std::chrono::milliseconds limit);
  void for_each(void (Connection::*action)());

  ServerOptions options_;
  std::shared_ptr<boost::asio::ssl::context> tls_;
  boost::asio::io_context io_;
  boost::asio::strand<boost::asio::io_context::executor_type> accept_strand_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer tick_;
  Listener* listener_ = nullptr;
  uint16_t port_ = 0;
  std::vector<std::thread> threads_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int64_t> last_full_warning_ = 0;

  std::mutex mutex_;  // guards what follows
  std::condition_variable empty_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  bool accepting_ = false;
  bool ticking_ = false;
  bool closed_ = false;
};

}  // namespace vbs::http
