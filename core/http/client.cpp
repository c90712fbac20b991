#include "core/http/client.hpp"

#include <cpprest/http_client.h>
#include <openssl/ssl.h>
#include <pplx/threadpool.h>
#include <boost/asio/ip/address.hpp>

#include <future>

#include "core/base/json.hpp"
#include "core/base/log.hpp"
#include "core/http/client_tls.hpp"
#include "core/http/head.hpp"

namespace vbs::http {
namespace {
using web::http::client::http_client;
using web::http::client::http_client_config;

constexpr auto kCancelTime = std::chrono::seconds(5);  // for cpprestsdk to give a cancelled request up

struct Answer {
  web::http::http_response head;
  std::string body;
};

web::uri checked_url(const ClientOptions& options) {
  const auto bad = [&](const std::string& why) {
    return Error(Code::invalid, "URL '" + for_log(options.url) + "': " + why + "; write https://host:port", "url");
  };
  web::uri url;
  try {
    url = web::uri(options.url);
  } catch (const web::uri_exception&) {
    throw bad("it is not a URL");
  }
  if (url.host().empty() || (!url.path().empty() && url.path() != "/") || !url.query().empty() ||
      !url.fragment().empty() || !url.user_info().empty())
    throw bad("it needs a host and nothing behind it");
  if (url.host().starts_with('[')) throw bad("an IPv6 address does not work here, use a host name");
  if (url.scheme() == "https") return url;
  if (url.scheme() != "http") throw bad("unknown scheme");
  boost::system::error_code ec;
  const auto address = boost::asio::ip::make_address(url.host(), ec);
  if (url.host() != "localhost" && (ec || !address.is_loopback())) throw bad("plain HTTP leaves this machine");
  return url;
}

bool repeatable(const std::string& method, const Fields& headers) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS" ||
         find_field(headers, "idempotency-key").has_value();
}

// cpprestsdk tells where it failed only by text.
bool never_sent(std::string_view what) {
  return what.starts_with("Failed to connect") || what.starts_with("Error resolving") ||
         what.starts_with("Failed to resolve") || what.starts_with("Error in SSL handshake");
}
bool answer_never_began(std::string_view what) {
  return what.starts_with("Failed to write request") || what.starts_with("Failed to read HTTP status line");
}
}  // namespace

struct Client::Impl {
  explicit Impl(ClientOptions o) : options(std::move(o)), url(checked_url(options)) {
    // Before the pool is made, so that at exit its threads end first and OpenSSL still frees what it kept for them.
    OPENSSL_init_ssl(0, nullptr);
    try {
      crossplat::threadpool::initialize_with_threads(2);  // 40 otherwise
    } catch (const std::exception&) {
      // It runs already.
    }
    config.set_timeout(std::chrono::duration_cast<std::chrono::microseconds>(options.timeout));
    config.set_max_redirects(0);
    if (url.scheme() != "https") return;
    tls = std::make_shared<ClientTls>(options, url.host());
    config.set_validate_certificates(true);
    boost::system::error_code not_address;
    boost::asio::ip::make_address(url.host(), not_address);
    config.set_tlsext_sni_enabled(static_cast<bool>(not_address));  // RFC 6066: no addresses in SNI
    config.set_ssl_context_callback([tls = tls](boost::asio::ssl::context& context) { tls->apply(context); });
  }

  Answer once(const std::string& method, const web::uri& target, const std::string& body, const Fields& headers);
  [[noreturn]] void explain(const web::http::http_exception& e, bool may_repeat);

  const ClientOptions options;
  const web::uri url;
  http_client_config config;
  std::shared_ptr<ClientTls> tls;  // shared with callbacks that run on cpprestsdk's threads
  std::unique_ptr<http_client> http;
  bool used = false;  // `http` may hold a kept-alive connection
};

Answer Client::Impl::once(const std::string& method, const web::uri& target, const std::string& body,
                          const Fields& headers) {
  if (!http) http = std::make_unique<http_client>(url, config);
  if (tls) tls->take_reason();
  used = true;
  web::http::http_request message(method);
  message.set_request_uri(target);
  for (const auto& [name, value] : headers) message.headers().add(name, value);
  if (!body.empty()) message.set_body(body, "application/json");
  const auto limit = options.max_response;
  const auto too_large = [limit] {
    return Error(Code::too_large, "the answer passes " + std::to_string(limit) + " bytes; ask for less at a time");
  };
  message.set_progress_handler([limit, too_large](web::http::message_direction::direction way, utility::size64_t n) {
    if (way == web::http::message_direction::download && n > limit) throw too_large();
  });

  pplx::cancellation_token_source cancel;
  auto done = std::make_shared<std::promise<Answer>>();
  auto future = done->get_future();
  http->request(message, cancel.get_token())
      .then([limit, too_large](web::http::http_response head) {
        if (utility::size64_t size = 0; head.headers().match("Content-Length", size) && size > limit) throw too_large();
        return head.extract_utf8string(true).then([head](std::string text) { return Answer{head, std::move(text)}; });
      })
      .then([done](pplx::task<Answer> result) {  // observes whatever was thrown: unobserved, it would end the process
        try {
          done->set_value(result.get());
        } catch (...) {
          done->set_exception(std::current_exception());
        }
      });
  if (future.wait_for(options.timeout) != std::future_status::ready) {
    cancel.cancel();
    if (future.wait_for(kCancelTime) != std::future_status::ready)
      throw web::http::http_exception(std::make_error_code(std::errc::timed_out), "no end in time");
  }
  return future.get();
}

void Client::Impl::explain(const web::http::http_exception& e, bool may_repeat) {
  const std::string what = e.what();
  const int code = e.error_code().value();
  const bool refused = tls && tls->take_refused_by_peer();
  const std::string tls_reason = tls ? tls->take_reason() : "";
  if (refused) throw Error(Code::unauthenticated, options.url + ": " + tls_reason);
  const auto cannot = [&](const std::string& why) {
    return Error(Code::unavailable, "cannot reach " + options.url + ": " + why);
  };
  if (!tls_reason.empty()) throw cannot(tls_reason);
  if (what.starts_with("Error resolving") || what.starts_with("Failed to resolve"))
    throw cannot("the host name is not known; check the URL");
  const bool late =
      code == static_cast<int>(std::errc::timed_out) || code == static_cast<int>(std::errc::operation_canceled);
  if (what.starts_with("Failed to connect"))
    throw cannot(late ? "nobody answers; is the address right and no firewall between?"
                      : "connection refused; is vbsd running?");
  if (what.starts_with("Error in SSL handshake")) throw cannot("TLS fails; does that port speak HTTPS?");
  const std::string why = late ? "no answer within " + std::to_string(options.timeout.count()) + " ms"
                               : "the connection was lost (" + for_log(what) + ")";
  if (may_repeat) throw cannot(why);
  throw Error(Code::unknown_outcome,
              options.url + ": " + why + "; the request may have been carried out: look before you send it again");
}

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Client::~Client() = default;

ClientResponse Client::request(const std::string& method, const std::string& target, std::string body,
                               const Fields& headers) {
  if (!is_token(method)) throw Error(Code::invalid, "HTTP method '" + for_log(method, 32) + "'", "method");
  for (const auto& [name, value] : headers)
    if (!is_token(name) || !is_field_value(value))
      throw Error(Code::invalid, "HTTP header '" + for_log(name, 64) + "' is not legal", "headers");
  if (!target.starts_with('/') || target.starts_with("//") || !web::uri::validate(target))
    throw Error(Code::invalid, "request target '" + for_log(target) + "' is not an encoded /path?query", "target");
  const web::uri uri(target);
  const bool may_repeat = repeatable(method, headers);
  if (!may_repeat) impl_->http.reset();  // see client.hpp
  bool fresh = !impl_->http;
  for (;;) {
    try {
      auto answer = impl_->once(method, uri, body, headers);
      ClientResponse out;
      out.status = answer.head.status_code();
      out.body = std::move(answer.body);
      for (const auto& [name, value] : answer.head.headers()) out.headers.emplace_back(name, value);
      return out;
    } catch (const web::http::http_exception& e) {
      impl_->http.reset();
      const bool stale = !fresh && may_repeat && answer_never_began(e.what()) &&
                         e.error_code().value() != static_cast<int>(std::errc::timed_out) &&
                         e.error_code().value() != static_cast<int>(std::errc::operation_canceled);
      if (!stale) impl_->explain(e, may_repeat || never_sent(e.what()));
      fresh = true;
    } catch (const Error&) {
      impl_->http.reset();  // the rest of the answer is still on its way there
      throw;
    }
  }
}

Error to_error(const ClientResponse& response) {
  auto code = Code::internal;
  if (response.status == 401) code = Code::unauthenticated;
  if (response.status == 403) code = Code::forbidden;
  if (response.status == 404) code = Code::not_found;
  if (response.status == 409) code = Code::conflict;
  if (response.status == 413) code = Code::too_large;
  if (response.status == 503) code = Code::unavailable;
  if (code == Code::internal && response.status >= 400 && response.status < 500) code = Code::invalid;
  std::string message = "the server answered HTTP " + std::to_string(response.status);
  try {
    const auto document = parse_json(response.body);
    const auto text = [](const rapidjson::Value& object, const char* name) -> std::string {
      const auto it = object.FindMember(name);
      if (it == object.MemberEnd() || !it->value.IsString()) return {};
      return {it->value.GetString(), it->value.GetStringLength()};
    };
    if (!document.IsObject()) return Error(code, message);
    const auto it = document.FindMember("error");
    if (it == document.MemberEnd() || !it->value.IsObject()) return Error(code, message);
    const auto word = text(it->value, "code");
    // Words of the edge alone (415's, say) are no Code; then the status decides.
    if (const auto known = code_from_string(word); known != Code::internal || word == "internal") code = known;
    if (const auto said = text(it->value, "message"); !said.empty()) message = said;
    if (const auto id = text(it->value, "request_id"); !id.empty()) message += " (" + id + ")";
    return Error(code, message, text(it->value, "field"));
  } catch (const Error&) {  // not JSON, so not from us
    return Error(code, message);
  }
}

std::string encode_component(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const unsigned char c : text) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
        c == '_' || c == '~') {
      out += static_cast<char>(c);
    } else {
      out += '%';
      out += kHex[c >> 4];
      out += kHex[c & 15];
    }
  }
  return out;
}
}  // namespace vbs::http
