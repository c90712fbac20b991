#include "core/http/connection.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>

#include <array>
#include <type_traits>

#include "core/base/ids.hpp"
#include "core/base/log.hpp"
#include "core/http/tls.hpp"
#include "core/http/transport.hpp"

namespace vbs::http {
namespace asio = boost::asio;
namespace beast_http = boost::beast::http;
using boost::system::error_code;
using namespace std::chrono_literals;

namespace {
constexpr size_t kReadSize = 8192;
constexpr size_t kTlsRecord = 16 * 1024;
constexpr auto kGoodbyeTime = 2000ms;  // for the peer to read our last answer and close

template <class Stream>
constexpr bool kIsTls = std::is_same_v<Stream, TlsStream>;

asio::ip::tcp::socket& socket_of(PlainStream& s) { return s; }
asio::ip::tcp::socket& socket_of(TlsStream& s) { return s.next_layer(); }

auto into(error_code& ec) { return asio::redirect_error(asio::use_awaitable, ec); }
}  // namespace

template <class Stream>
StreamConnection<Stream>::StreamConnection(std::shared_ptr<Transport> transport, Stream stream, Peer peer)
    : Connection(transport, stream.get_executor(), std::move(peer)),
      stream_(std::move(stream)),
      buffer_(transport->limits().header + 64 * 1024) {}

template <class Stream>
void StreamConnection<Stream>::start() {
  asio::co_spawn(
      executor_, [self = this->shared_from_this()] { return self->run(); }, asio::detached);
}

template <class Stream>
void StreamConnection<Stream>::cancel_io() {
  error_code ignored;
  socket_of(stream_).cancel(ignored);
}

template <class Stream>
void StreamConnection<Stream>::close_io() {
  error_code ignored;
  socket_of(stream_).close(ignored);
}

template <class Stream>
asio::awaitable<void> StreamConnection<Stream>::run() {
  try {
    if (co_await handshake()) {
      bool first = true;
      while (co_await serve_one(first)) first = false;
      co_await say_goodbye();
    }
  } catch (const std::exception& e) {
    logger().error("http: connection from {} ended by: {}", peer_->address, for_log(e.what()));
  }
  ++serial_;  // a late answer finds nobody
  response_.reset();
  close_io();
  transport_->remove(this);
}

template <class Stream>
asio::awaitable<bool> StreamConnection<Stream>::handshake() {
  if constexpr (kIsTls<Stream>) {
    error_code ec;
    auto token = into(ec);
    set_deadline(transport_->limits().header_time);
    co_await stream_.async_handshake(asio::ssl::stream_base::server, token);
    const bool late = expired();
    clear_deadline();
    if (ec) {
      if (!cut_)
        logger().info("http: TLS handshake with {} failed: {}", peer_->address, late ? "timed out" : ec.message());
      co_return false;
    }
    Peer peer = *peer_;
    peer.certificate = peer_certificate(stream_.native_handle());
    peer_ = std::make_shared<const Peer>(std::move(peer));
  }
  co_return true;
}

template <class Stream>
asio::awaitable<bool> StreamConnection<Stream>::serve_one(bool first) {
  ++serial_;
  keep_alive_ = false;
  std::optional<Parser> parser;
  std::optional<Refusal> refusal;
  bool got = false;
  try {
    got = co_await read_request(first, parser);
    clear_deadline();
    if (got) dispatch(*parser);
  } catch (const Refusal& r) {
    refusal = r;
  }
  parser.reset();
  if (refusal) {
    ++serial_;  // whatever dispatch() may have started does not answer any more
    if (!cut_) co_await send_refusal(*refusal);
    co_return false;
  }
  if (!got) co_return false;
  while (!response_ && !cut_) {
    error_code ec;
    auto token = into(ec);
    co_await answered_.async_wait(token);
  }
  if (cut_) co_return false;
  const bool sent = co_await send_response();
  co_return sent&& keep_alive_;
}

template <class Stream>
asio::awaitable<bool> StreamConnection<Stream>::read_more(size_t limit) {
  error_code ec;
  auto token = into(ec);
  const auto space = buffer_.prepare(std::min(kReadSize, limit));
  const size_t n = co_await stream_.async_read_some(space, token);
  buffer_.commit(n);
  co_return !ec;
}

template <class Stream>
asio::awaitable<std::optional<size_t>> StreamConnection<Stream>::read_head(bool first) {
  const auto& limits = transport_->limits();
  const auto bytes = [this] {
    return std::string_view(static_cast<const char*>(buffer_.data().data()), buffer_.size());
  };
  size_t looked = 0;
  idle_ = buffer_.size() == 0;
  started_ = Clock::now();
  request_id_ = "req-" + new_uuid();
  method_.clear();
  target_.clear();
  if (idle_ && transport_->stopping()) co_return std::nullopt;
  set_deadline(first || !idle_ ? limits.header_time : limits.idle_time);
  for (;;) {
    const auto length = head_length(bytes(), looked);
    if (length && *length <= limits.header) co_return length;
    if (length || buffer_.size() >= limits.header)
      throw Refusal(431, "header_too_large",
                    "the request line and headers pass " + std::to_string(limits.header) + " bytes");
    looked = buffer_.size();
    const bool more = co_await read_more(buffer_.max_size() - buffer_.size());
    if (!more) {
      if (expired() && !idle_) throw Refusal(408, "timeout", "the request's header did not arrive in time");
      co_return std::nullopt;
    }
    if (!idle_) continue;
    idle_ = false;
    started_ = Clock::now();
    set_deadline(limits.header_time);
  }
}

template <class Stream>
asio::awaitable<bool> StreamConnection<Stream>::read_request(bool first, std::optional<Parser>& parser) {
  const auto& limits = transport_->limits();
  const auto too_large = [&] {
    return Refusal(413, "too_large", "the body passes " + std::to_string(limits.body) + " bytes");
  };
  const auto length = co_await read_head(first);
  idle_ = false;
  if (!length) co_return false;
  check_head(std::string_view(static_cast<const char*>(buffer_.data().data()), *length));

  error_code ec;
  parser.emplace();
  parser->header_limit(static_cast<std::uint32_t>(limits.header) + 1);
  parser->body_limit(limits.body);
  auto extension = [](std::uint64_t, boost::beast::string_view text, error_code& bad) {
    if (!is_chunk_extension({text.data(), text.size()})) bad = beast_http::error::bad_chunk_extension;
  };
  parser->on_chunk_header(extension);  // Beast keeps a reference
  parser->put(asio::const_buffer(buffer_.data().data(), *length), ec);
  buffer_.consume(*length);
  const auto& message = parser->get();
  method_.assign(message.method_string().data(), message.method_string().size());
  target_.assign(message.target().data(), message.target().size());
  if (ec == beast_http::error::body_limit) throw too_large();
  if (ec) throw Refusal(400, "invalid", "the request's header is not HTTP: " + ec.message());
  keep_alive_ = message.keep_alive();
  http11_ = message.version() == 11;
  check_peer(*parser);
  // Taken now: Beast puts a chunked body's trailers among the headers, where none of them may speak for the request.
  headers_.clear();
  for (const auto& field : message) headers_.add(std::string(field.name_string()), std::string(field.value()));

  if (parser->is_done()) co_return true;
  set_deadline(limits.body_time);
  if (const auto expect = message[beast_http::field::expect]; !expect.empty() && http11_) {
    if (!iequals({expect.data(), expect.size()}, "100-continue"))
      throw Refusal(417, "expectation_failed", "the only Expect known is 100-continue");
    if (buffer_.size() == 0) {
      static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      const asio::const_buffer bytes(kContinue.data(), kContinue.size());
      auto token = into(ec);
      co_await asio::async_write(stream_, bytes, token);
      if (ec) co_return false;
    }
  }
  auto token = into(ec);
  co_await beast_http::async_read(stream_, buffer_, *parser, token);
  if (!ec) co_return true;
  if (expired()) throw Refusal(408, "timeout", "the request's body did not arrive in time");
  if (ec == beast_http::error::body_limit) throw too_large();
  if (ec.category() == beast_http::make_error_code(beast_http::error::bad_chunk).category() &&
      ec != beast_http::error::partial_message && ec != beast_http::error::end_of_stream)
    throw Refusal(400, "invalid", "the request's body is not framed as HTTP says: " + ec.message());
  co_return false;
}

template <class Stream>
asio::awaitable<bool> StreamConnection<Stream>::send_response() {
  auto response = std::move(*response_);
  response_.reset();
  if (transport_->stopping()) keep_alive_ = false;
  const int status = response.status_code();
  std::uint8_t* body = nullptr;
  size_t size = 0;
  const auto& in = response._get_impl()->instream();
  if (method_ != "HEAD" && status != 204 && status != 304 && in.is_valid()) in.streambuf().acquire(body, size);
  auto head = response_head(response);
  // A small answer goes out as one TLS record and one packet; of a large one only the first record's worth is copied.
  const size_t joined = std::min(size, head.size() < kTlsRecord ? kTlsRecord - head.size() : 0);
  head.append(reinterpret_cast<const char*>(body), joined);
  const std::array<asio::const_buffer, 2> bytes{asio::buffer(head), asio::const_buffer(body + joined, size - joined)};
  error_code ec;
  auto token = into(ec);
  set_deadline(transport_->limits().write_time);
  co_await asio::async_write(stream_, bytes, token);
  log_request(status);
  if (ec && !cut_)
    logger().debug("http: {} could not be answered: {}", request_id_, expired() ? "write timed out" : ec.message());
  clear_deadline();
  co_return !ec;
}

template <class Stream>
asio::awaitable<void> StreamConnection<Stream>::send_refusal(const Refusal& refusal) {
  keep_alive_ = false;
  auto answer = error_response(refusal.status, refusal.code, refusal.message, request_id_);
  web::http::http_response response(static_cast<web::http::status_code>(refusal.status));
  response.set_body(std::move(answer.body), answer.content_type);
  response_ = response;
  co_await send_response();
}

// Closing with unread bytes in the socket makes TCP send a reset, and that can destroy our last answer on its way: so
// shut our side down, then read and forget what the peer still sends, for a short while.
template <class Stream>
asio::awaitable<void> StreamConnection<Stream>::say_goodbye() {
  if (cut_) co_return;
  error_code ec;
  set_deadline(kGoodbyeTime);
  if constexpr (kIsTls<Stream>) {
    auto token = into(ec);
    co_await stream_.async_shutdown(token);
  }
  auto& socket = socket_of(stream_);
  error_code ignored;
  socket.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  std::array<char, kReadSize> sink;
  ec = {};
  while (!ec && !cut_ && !expired()) {
    const auto space = asio::buffer(sink);
    auto token = into(ec);
    co_await socket.async_read_some(space, token);
  }
}

template class StreamConnection<PlainStream>;
template class StreamConnection<TlsStream>;
}  // namespace vbs::http
