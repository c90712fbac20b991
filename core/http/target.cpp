#include "core/http/target.hpp"

#include <rapidjson/encodings.h>
#include <rapidjson/stringbuffer.h>

#include "core/base/log.hpp"

namespace vbs::http {
namespace {
int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// What rapidjson's UTF-8 check reads from and copies to.
struct Bytes {
  using Ch = char;
  std::string_view left;
  char Take() {
    if (left.empty()) return '\0';
    const char c = left.front();
    left.remove_prefix(1);
    return c;
  }
};
struct Nowhere {
  using Ch = char;
  void Put(char) {}
};

bool is_utf8(std::string_view text) {
  Bytes in{text};
  Nowhere out;
  while (!in.left.empty())
    if (!rapidjson::UTF8<>::Validate(in, out)) return false;
  return true;
}
}  // namespace

std::string percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  bool plain = true;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned char c = static_cast<unsigned char>(text[i]);
    if (c == '+' && plus_is_space) c = ' ';
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex(text[i + 1]) : -1;
      const int low = high >= 0 ? hex(text[i + 2]) : -1;
      if (low < 0)
        throw Error(Code::invalid, "the URL has a '%' that is not followed by two hex digits: " + for_log(text, 80));
      c = static_cast<unsigned char>(high * 16 + low);
      i += 2;
    }
    if (c < 0x20 || c == 0x7f) throw Error(Code::invalid, "the URL contains an encoded control character");
    plain = plain && c < 0x80;
    out += static_cast<char>(c);
  }
  if (!plain && !is_utf8(out)) throw Error(Code::invalid, "the URL is not UTF-8 once decoded");
  return out;
}

std::vector<std::string> split_path(std::string_view path) {
  if (path.empty() || path.front() != '/') throw Error(Code::invalid, "the URL's path does not start with '/'");
  std::vector<std::string> segments;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    segments.push_back(percent_decode(path.substr(0, end)));
    if (segments.back() == "." || segments.back() == "..")
      throw Error(Code::invalid, "the URL's path contains a '.' or '..' segment");
    path.remove_prefix(end);
  }
  return segments;
}

Fields split_query(std::string_view query) {
  Fields fields;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto item = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (item.empty()) continue;
    const auto eq = std::min(item.find('='), item.size());
    fields.emplace_back(percent_decode(item.substr(0, eq), true),
                        percent_decode(item.substr(std::min(eq + 1, item.size())), true));
  }
  return fields;
}
}  // namespace vbs::http
