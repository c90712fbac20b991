// What a stranger may send first: request line and header. Whatever passes the strict look (RFC 9112) must be read by
// Beast, which parses it afterwards, in the same way: two readings of one message are what smuggling lives on.
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <cstdlib>
#include <string>

#include "core/base/error.hpp"
#include "core/http/head.hpp"
#include "core/http/message.hpp"
#include "core/http/target.hpp"

using namespace vbs;
namespace beast_http = boost::beast::http;

namespace {
void must(bool condition) {
  if (!condition) std::abort();
}

void check_target(std::string_view target) {
  const auto query = target.find('?');
  try {
    for (const auto& segment : http::split_path(target.substr(0, query)))
      must(segment != ".." && segment.find('\0') == std::string::npos && segment.find('\n') == std::string::npos);
    if (query != std::string_view::npos) http::split_query(target.substr(query + 1));
  } catch (const Error&) {
  }
}

size_t fields_named(const beast_http::request<beast_http::string_body>& message, beast_http::field name) {
  const auto range = message.equal_range(name);
  return static_cast<size_t>(std::distance(range.first, range.second));
}

void check_beast(std::string_view head) {
  beast_http::request_parser<beast_http::string_body> parser;
  boost::system::error_code ec;
  parser.header_limit(1 << 20);
  parser.body_limit(1 << 20);
  const auto used = parser.put(boost::asio::const_buffer(head.data(), head.size()), ec);
  if (ec) return;
  must(parser.is_header_done() && used == head.size());
  const auto& message = parser.get();
  const auto lengths = fields_named(message, beast_http::field::content_length);
  const auto encodings = fields_named(message, beast_http::field::transfer_encoding);
  must(lengths + encodings <= 1 && fields_named(message, beast_http::field::host) <= 1);
  must(parser.chunked() == (encodings == 1));
  must(parser.content_length().has_value() == (lengths == 1));
  for (const auto& field : message) must(http::is_token({field.name_string().data(), field.name_string().size()}));
  check_target({message.target().data(), message.target().size()});
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_target(bytes.substr(0, bytes.find(' ')));
  try {
    const auto length = http::head_length(bytes, 0);
    // In two pieces it must end where it ends in one.
    const auto cut = size / 2;
    const auto first = http::head_length(bytes.substr(0, cut), 0);
    must((first ? first : http::head_length(bytes, cut)) == length);
    if (!length) return 0;
    const auto head = bytes.substr(0, *length);
    http::check_head(head);
    check_beast(head);
  } catch (const http::Refusal&) {
  }
  return 0;
}
