#include "core/http/transport.hpp"

#include <fcntl.h>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "core/base/log.hpp"
#include "core/http/connection.hpp"
#include "core/http/tls.hpp"

namespace vbs::http {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using namespace std::chrono_literals;

namespace {
constexpr auto kTick = 100ms;         // how late a time-out may be noticed
constexpr auto kAcceptPause = 100ms;  // after a failed accept (no descriptors left): a busy loop would not help

// Asio 1.18 opens descriptors that a child process would inherit, and hold the port with.
void close_on_exec(int descriptor) { fcntl(descriptor, F_SETFD, FD_CLOEXEC); }

asio::ip::address parse_address(const std::string& text) {
  error_code ec;
  const auto address = asio::ip::make_address(text, ec);
  if (ec)
    throw Error(Code::invalid, "listen address '" + for_log(text) + "' is not an IPv4 or IPv6 address", "address");
  return address;
}
}  // namespace

Transport::Transport(const ServerOptions& options)
    : options_(options),
      io_(static_cast<int>(options.io_threads)),
      accept_strand_(asio::make_strand(io_)),
      acceptor_(accept_strand_),
      tick_(accept_strand_) {
  const auto address = parse_address(options_.address);
  if (options_.tls)
    tls_ = server_context(*options_.tls);
  else if (!address.is_loopback())
    throw Error(Code::invalid,
                "plain HTTP on " + options_.address + " is refused; configure TLS, or listen on 127.0.0.1 or ::1",
                "tls");
}

void Transport::bind() {
  const tcp::endpoint endpoint(parse_address(options_.address), options_.port);
  try {
    acceptor_.open(endpoint.protocol());
    close_on_exec(acceptor_.native_handle());
    acceptor_.set_option(tcp::acceptor::reuse_address(true));
    acceptor_.bind(endpoint);
    acceptor_.listen(1024);
    port_ = acceptor_.local_endpoint().port();
  } catch (const boost::system::system_error& e) {
    error_code ignored;
    acceptor_.close(ignored);
    throw Error(Code::unavailable, "cannot listen on " + options_.address + " port " + std::to_string(options_.port) +
                                       ": " + e.code().message() + "; is another server running there?");
  }
}

std::string Transport::uri() const {
  const bool v6 = options_.address.find(':') != std::string::npos;
  const auto host = v6 ? "[" + options_.address + "]" : options_.address;
  return web::uri((tls_ ? "https://" : "http://") + host + ":" + std::to_string(port_) + "/").to_string();
}

void Transport::listen(Listener* listener) {
  listener_ = listener;
  {
    std::lock_guard lock(mutex_);
    accepting_ = true;
  }
  asio::co_spawn(
      accept_strand_, [self = shared_from_this()] { return self->accept_loop(); }, asio::detached);
  for (unsigned i = 0; i < options_.io_threads; ++i) threads_.emplace_back([this] { run_io(); });
}

void Transport::run_io() {
  for (;;) {
    try {
      io_.run();
      return;
    } catch (const std::exception& e) {
      logger().error("http: unexpected in an io thread: {}", for_log(e.what()));
    }
  }
}

asio::awaitable<void> Transport::accept_loop() {
  asio::steady_timer pause(accept_strand_);
  while (!stopping_) {
    error_code ec;
    auto token = asio::redirect_error(asio::use_awaitable, ec);
    tcp::socket socket = co_await acceptor_.async_accept(asio::make_strand(io_), token);
    if (stopping_) break;
    if (!ec) {
      try {
        admit(std::move(socket));
      } catch (const std::exception& e) {
        logger().error("http: cannot serve a new connection: {}", for_log(e.what()));
      }
      continue;
    }
    if (ec == asio::error::connection_aborted) continue;
    logger().error("http: accept failed: {}; raise the limit of open files if this repeats", ec.message());
    pause.expires_after(kAcceptPause);
    auto wait = asio::redirect_error(asio::use_awaitable, ec);
    co_await pause.async_wait(wait);
  }
  std::lock_guard lock(mutex_);
  accepting_ = false;
  empty_.notify_all();
}

void Transport::admit(tcp::socket socket) {
  error_code ec;
  const auto remote = socket.remote_endpoint(ec);
  if (ec) return;
  socket.set_option(tcp::no_delay(true), ec);
  close_on_exec(socket.native_handle());
  {
    std::lock_guard lock(mutex_);
    if (connections_.size() >= options_.limits.connections) {
      const auto now = std::chrono::steady_clock::now().time_since_epoch() / 1s;
      if (now - last_full_warning_.exchange(now) >= 10)
        logger().warn("http: {} connections are open on port {} (limit http.connections); new ones are closed",
                      connections_.size(), port_);
      return;
    }
  }
  Peer peer{remote.address().to_string(), std::nullopt};
  const auto launch = [this](auto connection) {
    {
      std::lock_guard lock(mutex_);
      connections_.insert(connection);
    }
    start_ticking();
    connection->start();
  };
  if (tls_)
    launch(std::make_shared<StreamConnection<TlsStream>>(shared_from_this(), TlsStream(std::move(socket), *tls_),
                                                         std::move(peer)));
  else
    launch(std::make_shared<StreamConnection<PlainStream>>(shared_from_this(), std::move(socket), std::move(peer)));
}

// One timer for all connections instead of two timer operations a request; it runs only while there are connections.
void Transport::start_ticking() {
  {
    std::lock_guard lock(mutex_);
    if (ticking_) return;
    ticking_ = true;
  }
  tick_.expires_after(kTick);
  tick_.async_wait([self = shared_from_this()](error_code) {
    const auto now = Connection::Clock::now();
    bool any = false;
    {
      std::lock_guard lock(self->mutex_);
      for (const auto& connection : self->connections_) connection->tick(now);
      any = !self->connections_.empty();
      self->ticking_ = false;
    }
    if (any) self->start_ticking();
  });
}

void Transport::post(const asio::any_io_executor& executor, std::function<void()> job) {
  std::lock_guard lock(mutex_);
  if (!closed_) asio::post(executor, std::move(job));
}

void Transport::remove(Connection* connection) {
  std::lock_guard lock(mutex_);
  connections_.erase(connection->shared());
  if (connections_.empty()) empty_.notify_all();
}

void Transport::for_each(void (Connection::*action)()) {
  std::vector<std::shared_ptr<Connection>> all;
  {
    std::lock_guard lock(mutex_);
    all.assign(connections_.begin(), connections_.end());
  }
  for (const auto& connection : all) (connection.get()->*action)();
}

bool Transport::wait_until_empty(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return empty_.wait_for(lock, limit, [this] { return connections_.empty() && !accepting_; });
}

void Transport::stop() {
  stopping_ = true;
  if (!threads_.empty()) {
    post(accept_strand_, [self = shared_from_this()] {
      error_code ignored;
      self->acceptor_.close(ignored);
    });
    for_each(&Connection::wind_down);
    if (!wait_until_empty(options_.limits.stop_time)) {
      logger().warn("http: cutting the connections whose requests did not end in time");
      do for_each(&Connection::cut);
      while (!wait_until_empty(1000ms));
    }
    post(accept_strand_, [self = shared_from_this()] { self->tick_.cancel(); });
    for (auto& thread : threads_) thread.join();  // nothing is left to run: io_.run() returns by itself
    threads_.clear();
  }
  error_code ignored;
  acceptor_.close(ignored);
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  io_.restart();
  io_.poll();  // what was posted between the last run and closed_: it owns connections that own us
}
}  // namespace vbs::http
