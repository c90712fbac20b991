// SPDX-License-Identifier: MIT
#include "qcow2.hpp"

namespace vbs::lustre {
namespace {
constexpr uint64_t kMagic = 0x514649fb;  // "QFI\xfb"
constexpr size_t kFixedPart = 72;
constexpr uint64_t kBackingLimit = 1023;  // by the specification

uint64_t big_endian(const std::string& s, size_t at, size_t bytes) {
  uint64_t n = 0;
  for (size_t i = 0; i < bytes; ++i) n = n << 8 | static_cast<unsigned char>(s[at + i]);
  return n;
}
}  // namespace

std::optional<Qcow2Header> read_qcow2_header(Files& files, const File& file) {
  const auto head = files.read(file, 0, kFixedPart);
  if (head.size() < kFixedPart || big_endian(head, 0, 4) != kMagic) return std::nullopt;
  const auto version = big_endian(head, 4, 4);
  const auto offset = big_endian(head, 8, 8), length = big_endian(head, 16, 4);
  if ((version != 2 && version != 3) || length > kBackingLimit || offset >= (1u << 21)) return std::nullopt;
  Qcow2Header h;
  h.size_bytes = big_endian(head, 24, 8);
  if (offset != 0 && length != 0) {
    h.backing = files.read(file, offset, length);
    if (h.backing.size() != length) return std::nullopt;
  }
  return h;
}

}  // namespace vbs::lustre
