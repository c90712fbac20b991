#include "apps/vbs/session.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <thread>

#include "apps/vbs/failure.hpp"
#include "apps/vbs/hints.hpp"
#include "apps/vbs/interrupt_note.hpp"
#include "apps/vbs/json_fields.hpp"
#include "core/base/ids.hpp"
#include "core/base/json.hpp"

namespace vbs::cli {
namespace {
constexpr std::array<std::chrono::milliseconds, 2> kPauses{std::chrono::milliseconds{300},
                                                           std::chrono::milliseconds{1000}};
constexpr const char* kSentNote =
    "vbs: interrupted; the service may have taken the request. `vbs operations list` shows what it does.";

http::Fields hold_header(bool hold) {
  if (!hold) return {};
  return {{"Prefer", "wait=1"}};
}
}  // namespace

Target& Target::segment(std::string_view text) {
  text_ += "/" + http::encode_component(text);
  return *this;
}

Target& Target::query(std::string_view name, std::string_view value) {
  if (value.empty()) return *this;
  text_ += fmt::format("{}{}={}", has_query_ ? '&' : '?', name, http::encode_component(value));
  has_query_ = true;
  return *this;
}

Session::Session(Settings settings, std::unique_ptr<Transport> transport)
    : settings_(std::move(settings)), transport_(std::move(transport)) {}

http::ClientResponse Session::send(const std::string& method, const Target& target, const std::string& body,
                                   const http::Fields& headers) {
  try {
    return transport_->request(method, target.text(), body, headers);
  } catch (const Error& e) {
    throw connection_failure(e, method, settings_);
  }
}

rapidjson::Document Session::accept(const http::ClientResponse& answer, const Target& target) const {
  if (answer.status >= 400) throw refusal(answer.status, http::to_error(answer), target.text(), settings_);
  try {
    auto document = parse_json(answer.body);
    if (document.IsObject()) return document;
  } catch (const Error&) {
    // Said below: what the parser found wrong does not help whoever has the wrong address.
  }
  throw Failure(
      Exit::failed,
      fmt::format("{} answered {} with something that is not a VBS answer", settings_.url.value, answer.status),
      fmt::format("check the address (from {})", settings_.url.origin));
}

rapidjson::Document Session::get(const Target& target) { return accept(send("GET", target, {}, {}), target); }

rapidjson::Document Session::get_any_status(const Target& target) {
  auto answer = send("GET", target, {}, {});
  if (answer.status == 503 && answer.body.find("\"status\"") != std::string::npos) answer.status = 200;
  return accept(answer, target);
}

rapidjson::Document Session::post(const Target& target, const std::string& body, bool hold) {
  auto headers = hold_header(hold);
  headers.emplace_back("Idempotency-Key", new_uuid());
  const InterruptNote note(kSentNote);
  for (const auto pause : kPauses) {
    try {
      return accept(send("POST", target, body, headers), target);
    } catch (const Failure& f) {
      if (f.exit != Exit::unreachable && f.exit != Exit::unknown) throw;
    }
    std::this_thread::sleep_for(pause);
  }
  return accept(send("POST", target, body, headers), target);
}

rapidjson::Document Session::patch(const Target& target, const std::string& body) {
  return accept(send("PATCH", target, body, {}), target);
}

rapidjson::Document Session::remove(const Target& target, bool hold) {
  const InterruptNote note(kSentNote);
  return accept(send("DELETE", target, {}, hold_header(hold)), target);
}

rapidjson::Document Session::list(const Target& target, const char* field) {
  rapidjson::Document all = get(target);
  std::string marker = text(all, "next");
  while (!marker.empty()) {
    Target page = target;
    auto more = get(page.query("marker", marker));
    if (!member(more, field).IsArray() || !member(all, field).IsArray()) break;
    for (auto& item : more[field].GetArray())
      all[field].PushBack(rapidjson::Value(item, all.GetAllocator()), all.GetAllocator());
    const auto next = text(more, "next");
    if (next == marker) break;  // a service that repeats a page must not hold us for ever
    marker = next;
  }
  all.RemoveMember("next");
  if (!member(all, field).IsArray())
    throw Failure(Exit::failed, fmt::format("the answer of {} has no '{}'", settings_.url.value, field),
                  "`vbs health` shows the service's version");
  return all;
}

}  // namespace vbs::cli
