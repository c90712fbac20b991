// Wall-clock time as the store keeps it: microseconds since 1970, UTC.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vbs {
int64_t now_us();
std::string rfc3339(int64_t us);                              // "2026-11-21T10:00:00.123456Z"
std::optional<int64_t> parse_rfc3339(std::string_view text);  // exactly that form
}  // namespace vbs
