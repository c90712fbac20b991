#include "core/http/server.hpp"

#include <cpprest/http_listener.h>

#include <atomic>

#include "core/base/log.hpp"
#include "core/base/worker_pool.hpp"
#include "core/http/bridge.hpp"
#include "core/http/connection.hpp"
#include "core/http/head.hpp"
#include "core/http/pending.hpp"
#include "core/http/router.hpp"
#include "core/http/target.hpp"

namespace vbs::http {
namespace {
ServerOptions checked(ServerOptions options) {
  const auto range = [](size_t value, size_t max, const char* field) {
    if (value < 1 || value > max)
      throw Error(Code::invalid,
                  std::string(field) + " is " + std::to_string(value) + "; use 1 to " + std::to_string(max), field);
  };
  range(options.io_threads, 64, "io_threads");
  range(options.handler_threads, 1024, "handler_threads");
  range(options.limits.header, 1024 * 1024, "limits.header");
  range(options.limits.body, size_t{1} << 30, "limits.body");
  range(options.limits.connections, 1000000, "limits.connections");
  range(options.limits.in_flight, 1000000, "limits.in_flight");
  return options;
}

bool is_json(std::string_view content_type) {
  auto type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  return iequals(type, "application/json");
}

Request to_request(const web::http::http_request& message, const RequestContext& context) {
  Request request;
  request.method = message.method();
  request.path = message.request_uri().path();
  request.query = split_query(message.request_uri().query());
  for (const auto& [name, value] : message.headers()) request.headers.emplace_back(name, value);
  if (const auto& in = message._get_impl()->instream(); in.is_valid()) {
    std::uint8_t* data = nullptr;
    size_t size = 0;
    in.streambuf().acquire(data, size);
    request.body.assign(reinterpret_cast<const char*>(data), size);
  }
  request.peer = *context.peer;
  request.request_id = context.request_id;
  return request;
}
}  // namespace

struct Server::Impl {
  explicit Impl(ServerOptions o) : options(checked(std::move(o))), transport(std::make_shared<Transport>(options)) {}

  void on_message(web::http::http_request message) noexcept;
  void admit(const std::shared_ptr<Pending>& pending);

  const ServerOptions options;
  Router router;
  std::shared_ptr<Transport> transport;
  std::shared_ptr<std::atomic<size_t>> in_flight = std::make_shared<std::atomic<size_t>>(0);
  std::optional<WorkerPool> pool;
  std::optional<web::http::experimental::listener::http_listener> listener;
  bool started = false;
  std::atomic<bool> stopped{false};
};

// On an io thread, from cpprestsdk's listener.
void Server::Impl::on_message(web::http::http_request message) noexcept {
  try {
    const auto* context = dynamic_cast<const RequestContext*>(message._get_server_context());
    auto pending = std::make_shared<Pending>(message, context->request_id, in_flight);
    try {
      pending->request = to_request(message, *context);
      admit(pending);
    } catch (const std::exception&) {
      pending->fail(std::current_exception());
    }
  } catch (const std::exception& e) {  // not even a Pending: no memory
    logger().error("http: a request is lost: {}", for_log(e.what()));
  }
}

void Server::Impl::admit(const std::shared_ptr<Pending>& pending) {
  const auto& request = pending->request;
  const auto& id = request.request_id;
  const auto match = router.find(request.method, split_path(request.path));
  if (request.method == "TRACE" || (!match.handler && !match.allow.empty())) {
    auto response = error_response(405, "method_not_allowed",
                                   for_log(request.method, 32) + " is not possible on " + for_log(request.path, 256) +
                                       (match.allow.empty() ? "" : "; use one of " + match.allow),
                                   id);
    response.headers.emplace_back("Allow", match.allow);
    return pending->send(std::move(response));
  }
  if (!match.handler)
    throw Error(Code::not_found, "there is no resource " + for_log(request.path, 256) + "; see the API's description");
  if (!request.body.empty() && (request.method == "POST" || request.method == "PUT" || request.method == "PATCH") &&
      !is_json(request.header("content-type").value_or("")))
    return pending->send(error_response(415, "unsupported_media_type",
                                        "send the body as JSON, with Content-Type: application/json", id));
  if (!pending->admit(options.limits.in_flight))
    throw Error(Code::busy, std::to_string(options.limits.in_flight) +
                                " requests are under way (limit http.in_flight); try again a little later");
  pending->request.params = match.params;
  const bool queued = pool->try_submit([this, pending, handler = match.handler] {
    if (stopped) return;  // nobody is there any more to hear the answer
    const LogScope scope{{"request", pending->request.request_id}};
    try {
      (*handler)(pending->request, [pending](Response response) { pending->send(std::move(response)); });
    } catch (...) {
      pending->fail(std::current_exception());
    }
  });
  if (!queued) throw Error(Code::unavailable, "the server is stopping; try again when it is back");
}

Server::Server(ServerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Server::~Server() { stop(); }

void Server::route(const std::string& method, const std::string& pattern, Handler handler) {
  if (impl_->started) throw Error(Code::internal, "route " + pattern + " comes after start()");
  impl_->router.add(method, pattern, std::move(handler));
}

void Server::start() {
  if (impl_->started) throw Error(Code::internal, "the HTTP server was started before");
  bridge::install();
  impl_->transport->bind();
  impl_->started = true;
  impl_->pool.emplace("requests", impl_->options.handler_threads, impl_->options.limits.in_flight);
  bridge::expect(impl_->transport);
  auto& listener = impl_->listener.emplace(web::uri(impl_->transport->uri()));
  const auto handle = [impl = impl_.get()](web::http::http_request message) { impl->on_message(std::move(message)); };
  listener.support(handle);
  // cpprestsdk answers these two itself, TRACE with the headers it got (tokens among them), unless they are taken.
  listener.support(web::http::methods::TRCE, handle);
  listener.support(web::http::methods::OPTIONS, handle);
  listener.open().get();
}

void Server::stop() noexcept {
  if (!impl_->started || impl_->stopped.exchange(true)) return;
  try {
    impl_->transport->stop();
    if (impl_->pool) impl_->pool->stop();
    if (impl_->listener) impl_->listener->close().get();
    bridge::forget(*impl_->transport);
  } catch (const std::exception& e) {
    logger().error("http: while stopping: {}", for_log(e.what()));
  }
}

uint16_t Server::port() const { return impl_->transport->port(); }
}  // namespace vbs::http
