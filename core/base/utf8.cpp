#include "core/base/utf8.hpp"

#include <algorithm>

namespace vbs {
namespace {
// Length of the sequence at the start of `s`, or 0 if it is none. Ranges: Unicode 15, table 3-7.
size_t sequence(std::string_view s) {
  const auto at = [&](size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0; };
  const auto tail = [&](size_t i) { return at(i) >= 0x80 && at(i) <= 0xbf; };
  const unsigned a = at(0), b = at(1);
  if (a < 0x80) return 1;
  if (a >= 0xc2 && a <= 0xdf) return tail(1) ? 2 : 0;
  if (a >= 0xe0 && a <= 0xef) {
    const bool second = b >= (a == 0xe0 ? 0xa0u : 0x80u) && b <= (a == 0xed ? 0x9fu : 0xbfu);
    return second && tail(2) ? 3 : 0;
  }
  if (a >= 0xf0 && a <= 0xf4) {
    const bool second = b >= (a == 0xf0 ? 0x90u : 0x80u) && b <= (a == 0xf4 ? 0x8fu : 0xbfu);
    return second && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}
}  // namespace

bool is_utf8(std::string_view text) {
  for (;;) {
    // Nearly all there is to check is ASCII.
    const auto other = std::find_if(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) < 0; });
    text.remove_prefix(static_cast<size_t>(other - text.begin()));
    if (text.empty()) return true;
    const size_t n = sequence(text);
    if (n == 0) return false;
    text.remove_prefix(n);
  }
}

std::string to_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t n = sequence(text);
    if (n == 0)
      out += '?';
    else
      out += text.substr(0, n);
    text.remove_prefix(n == 0 ? 1 : n);
  }
  return out;
}

}  // namespace vbs
