// SPDX-License-Identifier: MIT
#include "base64.hpp"

#include <cstdint>

namespace vbs::lvm {
namespace {
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
}

std::string base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t at = 0; at < bytes.size(); at += 3) {
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i)
      group = group << 8 | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0u);
    for (size_t i = 0; i < 4; ++i) out += at + i > bytes.size() ? '=' : kAlphabet[group >> (18 - 6 * i) & 63];
  }
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  uint32_t group = 0;
  unsigned digits = 0, padding = 0;
  for (const char c : text) {
    const auto value = kAlphabet.find(c);
    if (c == '=' ? ++padding > 2 : padding != 0 || value == std::string_view::npos) return std::nullopt;
    group = group << 6 | (c == '=' ? 0u : static_cast<uint32_t>(value));
    if (++digits % 4 != 0) continue;
    for (unsigned i = 0; i < 3 - padding; ++i) out += static_cast<char>(group >> (16 - 8 * i) & 255);
    group = 0;
  }
  return base64(out) == text ? std::optional(out) : std::nullopt;  // stray bits in the padding
}

}  // namespace vbs::lvm
