/* SPDX-License-Identifier: MIT
 *
 * Writing the little JSON that a plugin hands out (facts, refs). Reading goes through Host::json_get. */
#pragma once
#include <string>
#include <string_view>

namespace vbs::plugin {

// `s` as a JSON string, quotes included. UTF-8 passes through; control characters are escaped (RFC 8259, 7).
inline std::string json_quoted(std::string_view s) {
  static constexpr char hex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : s) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace vbs::plugin
