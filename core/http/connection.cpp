#include "core/http/connection.hpp"

#include <boost/asio/post.hpp>
#include <boost/beast/http/status.hpp>

#include <ctime>

#include "core/base/ids.hpp"
#include "core/base/log.hpp"
#include "core/http/transport.hpp"

namespace vbs::http {
namespace asio = boost::asio;
namespace beast_http = boost::beast::http;

namespace {
std::string_view http_date() {
  thread_local std::time_t last = 0;
  thread_local char text[40] = "";
  if (const auto now = std::time(nullptr); now != last) {
    std::tm tm{};
    gmtime_r(&now, &tm);
    // The process's locale is never set to anything but "C" (strftime's names of days and months).
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    last = now;
  }
  return text;
}
}  // namespace

Connection::Connection(std::shared_ptr<Transport> transport, const Executor& executor, Peer peer)
    : transport_(std::move(transport)),
      executor_(executor),
      peer_(std::make_shared<const Peer>(std::move(peer))),
      answered_(executor, asio::steady_timer::time_point::max()) {}

void Connection::answer(uint64_t serial, web::http::http_response response) {
  transport_->post(executor_, [self = shared(), serial, response = std::move(response)] {
    if (serial != self->serial_ || self->response_ || self->cut_) return;
    self->response_ = response;
    self->answered_.cancel();
  });
}

// Called by the transport's timer under its lock: so not through Transport::post.
void Connection::tick(Clock::time_point now) {
  if (deadline_.load() > now) return;
  asio::post(executor_, [self = shared()] {
    if (self->expired()) self->cancel_io();
  });
}

void Connection::wind_down() {
  transport_->post(executor_, [self = shared()] {
    if (self->idle_) self->cancel_io();
  });
}

void Connection::cut() {
  transport_->post(executor_, [self = shared()] {
    self->cut_ = true;
    self->answered_.cancel();
    self->close_io();
  });
}

void Connection::check_peer(const Parser& parser) const {
  if (parser.get().method() == beast_http::verb::connect)
    throw Refusal(501, "not_supported", "CONNECT is not supported; this is no proxy");
  if (!transport_->wants_client_certificate()) return;
  if (!peer_->certificate && transport_->is_open(target_)) return;
  if (!peer_->certificate)
    throw Refusal(401, "unauthenticated", "a client certificate is needed; give --cert and --key (curl has them, too)");
  // TLS looked when the session began; it may be resumed, or kept alive, long after.
  if (peer_->certificate->not_after < std::chrono::system_clock::now())
    throw Refusal(401, "unauthenticated", "the client certificate has expired; get a new one and connect again");
}

void Connection::dispatch(Parser& parser) {
  auto context = std::make_unique<RequestContext>();
  context->connection = shared();
  context->serial = serial_;
  context->peer = peer_;
  context->request_id = request_id_;
  auto request = web::http::http_request::_create_request(std::move(context));
  request.set_method(method_);
  if (target_.starts_with("//")) throw Refusal(400, "invalid", "the URL's path starts with '//'");
  try {
    request.set_request_uri(web::uri(target_));
  } catch (const web::uri_exception&) {
    throw Refusal(400, "invalid", "the URL is not valid (RFC 3986); percent-encode its special characters");
  }
  request.headers() = std::move(headers_);
  request._get_impl()->_set_remote_address(peer_->address);
  if (auto& body = parser.get().body(); !body.empty())
    request._get_impl()->set_instream(concurrency::streams::bytestream::open_istream<std::string>(std::move(body)));
  try {
    transport_->listener()->handle_request(std::move(request));
  } catch (const std::exception& e) {
    logger().error("http: {} cannot be handed on: {}", request_id_, for_log(e.what()));
    throw Refusal(500, "internal", "internal error");
  }
}

std::string Connection::response_head(web::http::http_response& response) const {
  const auto status = response.status_code();
  const auto reason = beast_http::obsolete_reason(beast_http::int_to_status(status));
  std::string head;
  head.reserve(512);
  head.append("HTTP/1.1 ").append(std::to_string(status)).append(" ");
  head.append(reason.data(), reason.size()).append("\r\nDate: ").append(http_date());
  head.append("\r\nX-Request-Id: ").append(request_id_);
  if (!keep_alive_)
    head.append("\r\nConnection: close");
  else if (!http11_)
    head.append("\r\nConnection: keep-alive");
  for (const auto& [name, value] : response.headers()) {
    if (status == 204 && iequals(name, "content-length")) continue;  // RFC 9110 8.6
    head.append("\r\n").append(name).append(": ").append(value);
  }
  return head.append("\r\n\r\n");
}

void Connection::log_request(int status) const {
  if (!logger().should_log(spdlog::level::debug)) return;
  const auto ms = std::chrono::duration<double, std::milli>(Clock::now() - started_).count();
  logger().debug("http: {} peer={} \"{}\" {} {} {} {:.1f} ms", request_id_, peer_->address,
                 peer_->certificate ? for_log(peer_->certificate->subject) : "-", for_log(method_, 32),
                 for_log(std::string_view(target_).substr(0, target_.find('?'))), status, ms);
}
}  // namespace vbs::http
