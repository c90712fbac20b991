// One request that waits for its answer, and the rule that it gets exactly one. Shared by the handler's job and all
// copies of its Reply; the last of them to go answers 500 if nobody did. From any thread.
#pragma once
#include <cpprest/http_msg.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "core/http/message.hpp"

namespace vbs::http {

class Pending {
 public:
  Pending(web::http::http_request message, std::string request_id, std::shared_ptr<std::atomic<size_t>> in_flight);
  ~Pending();
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;

  bool admit(size_t limit);                      // counts it among the requests in flight, unless there are `limit`
  void send(Response response) noexcept;         // the second time: logged, ignored
  void fail(std::exception_ptr error) noexcept;  // the answer to an exception (null: 500); after an answer a log line

  Request request;

 private:
  void transmit(Response response);
  std::optional<web::http::http_request> message_;  // let go with the answer: it keeps the answer's body
  const std::string request_id_;
  const std::shared_ptr<std::atomic<size_t>> in_flight_;
  const std::chrono::steady_clock::time_point came_ = std::chrono::steady_clock::now();
  std::atomic<bool> answered_ = false;
  bool counted_ = false;
};

}  // namespace vbs::http
