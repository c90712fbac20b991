#include "core/http/head.hpp"

#include <algorithm>

#include "core/base/log.hpp"
#include "core/http/message.hpp"

namespace vbs::http {
namespace {
constexpr size_t kMaxChunkExtension = 256;  // bytes, of one chunk

[[noreturn]] void refuse(const std::string& why) { throw Refusal(400, "invalid", why); }

bool is_token_char(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
}
bool all_digits(std::string_view s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
}
std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

// Returns whether it is HTTP/1.1.
bool check_request_line(std::string_view line) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) refuse("the request line is not 'METHOD TARGET HTTP/1.1'");
  const auto method = line.substr(0, first);
  const auto target = line.substr(first + 1, last - first - 1);
  const auto version = line.substr(last + 1);
  if (!is_token(method)) refuse("the method is not a token");
  if (target.empty() ||
      std::any_of(target.begin(), target.end(), [](unsigned char c) { return c <= 0x20 || c >= 0x7f || c == '#'; }))
    refuse("the request target contains a space, a '#', a control character or a byte over 0x7e; percent-encode it");
  // Origin form only: with a host in the target as well, two parties may choose differently between it and Host.
  // CONNECT is answered by its name.
  if (target.front() != '/' && method != "CONNECT" && !(target == "*" && method == "OPTIONS"))
    refuse("the request target is not a path; send '/v1/...' alone, without scheme and host");
  if (version == "HTTP/1.1") return true;
  if (version == "HTTP/1.0") return false;
  if (version.starts_with("HTTP/"))
    throw Refusal(505, "http_version_not_supported", "use HTTP/1.1, not " + for_log(version, 32));
  refuse("the request line does not end with HTTP/1.1");
}

struct Framing {
  int hosts = 0, lengths = 0, encodings = 0;
};

void check_field(std::string_view line, Framing& seen) {
  if (line.front() == ' ' || line.front() == '\t') refuse("a folded header line (obs-fold) is not accepted");
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) refuse("a header line has no colon");
  const auto name = line.substr(0, colon);
  if (!is_token(name)) refuse("a header name is not a token (a space before the colon?)");
  const auto value = trim(line.substr(colon + 1));
  if (!is_field_value(value)) refuse("header " + for_log(name, 64) + " contains a control character");
  if (iequals(name, "host")) {
    ++seen.hosts;
  } else if (iequals(name, "content-length")) {
    ++seen.lengths;
    if (!all_digits(value) || value.size() > 18) refuse("Content-Length is not one decimal number");
  } else if (iequals(name, "transfer-encoding")) {
    ++seen.encodings;
    if (!iequals(value, "chunked")) refuse("Transfer-Encoding is not 'chunked', the only one accepted");
  }
}
}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return is_token_char(c); });
}
bool is_chunk_extension(std::string_view text) {
  return text.size() <= kMaxChunkExtension &&
         std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c >= 0x7f || c == '"'; });
}
bool is_field_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

std::optional<size_t> head_length(std::string_view bytes, size_t from) {
  for (auto lf = bytes.find('\n', from); lf != std::string_view::npos; lf = bytes.find('\n', lf + 1)) {
    if (lf == 0 || bytes[lf - 1] != '\r') refuse("a header line ends with LF alone; it must be CR LF");
    if (lf >= 3 && bytes[lf - 2] == '\n') return lf + 1;
  }
  return std::nullopt;
}

void check_head(std::string_view head) {
  Framing seen;
  bool http11 = false;
  for (bool first = true; head.size() > 2; first = false) {
    const auto end = head.find("\r\n");
    const auto line = head.substr(0, end);
    head.remove_prefix(end + 2);
    if (line.find('\r') != std::string_view::npos) refuse("a CR stands alone in the header");
    if (first)
      http11 = check_request_line(line);
    else
      check_field(line, seen);
  }
  if (seen.hosts > 1 || (http11 && seen.hosts == 0)) refuse("exactly one Host header is needed");
  if (seen.lengths > 1) refuse("Content-Length is given more than once");
  if (seen.encodings > 1) refuse("Transfer-Encoding is given more than once");
  if (seen.lengths && seen.encodings) refuse("both Content-Length and Transfer-Encoding are given");
  if (seen.encodings && !http11) refuse("Transfer-Encoding needs HTTP/1.1");
}
}  // namespace vbs::http
