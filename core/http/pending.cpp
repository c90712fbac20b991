#include "core/http/pending.hpp"

#include <algorithm>
#include <array>

#include "core/base/log.hpp"
#include "core/base/metrics.hpp"
#include "core/http/head.hpp"

namespace vbs::http {
namespace {
// Written by the edge; a second one from a handler would contradict it.
constexpr std::array<std::string_view, 8> kOurs = {"connection", "content-length", "content-type",      "date",
                                                   "trailer",    "upgrade",        "transfer-encoding", "x-request-id"};

std::string problem(const Response& response) {
  if (response.status < 200 || response.status > 599) return "status " + std::to_string(response.status);
  if (!is_field_value(response.content_type)) return "content type with a control character";
  for (const auto& [name, value] : response.headers) {
    if (!is_token(name) || !is_field_value(value)) return "illegal header '" + for_log(name, 64) + "'";
    if (std::any_of(kOurs.begin(), kOurs.end(), [&](std::string_view ours) { return iequals(name, ours); }))
      return "header '" + name + "', which only the edge may write";
  }
  return {};
}
}  // namespace

Pending::Pending(web::http::http_request message, std::string request_id,
                 std::shared_ptr<std::atomic<size_t>> in_flight)
    : message_(std::move(message)), request_id_(std::move(request_id)), in_flight_(std::move(in_flight)) {}

Pending::~Pending() {
  if (answered_) return;
  logger().error("http: {} was given up by its handler without an answer", request_id_);
  fail(nullptr);
}

bool Pending::admit(size_t limit) {
  if (in_flight_->fetch_add(1) >= limit) {
    in_flight_->fetch_sub(1);
    return false;
  }
  counted_ = true;
  return true;
}

void Pending::send(Response response) noexcept {
  if (answered_.exchange(true)) {
    logger().error("http: {} was answered twice; the second answer is ignored", request_id_);
    return;
  }
  if (counted_) in_flight_->fetch_sub(1);
  try {
    if (const auto why = problem(response); !why.empty()) {
      logger().error("http: {}: its handler's answer has {}; sent 500", request_id_, why);
      response = error_response(Error(Code::internal, "internal error"), request_id_);
    }
    metrics::http_answered(response.status,
                           std::chrono::duration<double>(std::chrono::steady_clock::now() - came_).count());
    transmit(std::move(response));
  } catch (const std::exception& e) {
    logger().error("http: {} cannot be answered: {}", request_id_, for_log(e.what()));
  }
}

void Pending::fail(std::exception_ptr error) noexcept {
  try {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const Error& e) {
      if (answered_)
        logger().error("http: {}: its handler threw after its answer: {}", request_id_, for_log(e.what()));
      else if (e.code() != Code::internal)
        return send(error_response(e, request_id_));
      else
        logger().error("http: {}: internal error: {}", request_id_, for_log(e.what(), 2048));
    } catch (const std::exception& e) {
      logger().error("http: {}: its handler threw: {}", request_id_, for_log(e.what(), 2048));
    } catch (...) {
      logger().error("http: {}: its handler threw something that is no std::exception", request_id_);
    }
    if (!answered_) send(error_response(Error(Code::internal, "internal error"), request_id_));
  } catch (const std::exception& e) {  // no memory for the answer itself: the destructor tries once more
    logger().error("http: {} cannot be answered: {}", request_id_, for_log(e.what()));
  }
}

void Pending::transmit(Response response) {
  web::http::http_response out(static_cast<web::http::status_code>(response.status));
  for (const auto& [name, value] : response.headers) out.headers().add(name, value);
  if (response.status != 204 && response.status != 304) out.set_body(std::move(response.body), response.content_type);
  const auto message = std::move(*message_);
  message_.reset();
  message.reply(out);
}
}  // namespace vbs::http
