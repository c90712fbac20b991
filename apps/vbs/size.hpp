// Sizes as people write them. Units are binary and must be given: "500MiB", "10GiB", "1TiB"; "10G" is short for 10GiB.
// No fractions, no signs, no spaces, no "GB": what is ambiguous is refused, because a volume cannot be made smaller
// again.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace vbs::cli {

constexpr uint64_t kMinVolumeBytes = 1ull << 20;  // the API's limits (schema Size)
constexpr uint64_t kMaxVolumeBytes = 64ull << 40;

uint64_t parse_size(std::string_view text);  // bytes; throws Failure(usage)
std::string format_size(uint64_t bytes);     // "10 GiB", "1.5 GiB", "512 B"; one decimal, rounded down

}  // namespace vbs::cli
