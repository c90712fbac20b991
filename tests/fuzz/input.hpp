// An input taken apart: what is missing at its end counts as zeros, so that every input is one.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace vbs::fuzz {

class Input {
 public:
  explicit Input(std::string_view bytes) : left_(bytes) {}
  bool empty() const { return left_.empty(); }
  uint8_t byte() {
    if (left_.empty()) return 0;
    const auto b = static_cast<uint8_t>(left_.front());
    left_.remove_prefix(1);
    return b;
  }
  int64_t number() {  // little-endian
    uint64_t n = 0;
    for (unsigned i = 0; i < 8; ++i) n |= static_cast<uint64_t>(byte()) << (8 * i);
    return static_cast<int64_t>(n);
  }
  std::string text() {  // a length of 2 bytes, then the text
    const size_t low = byte(), high = byte();
    const size_t length = std::min(low | high << 8, left_.size());
    std::string out(left_.substr(0, length));
    left_.remove_prefix(length);
    return out;
  }

 private:
  std::string_view left_;
};

}  // namespace vbs::fuzz
