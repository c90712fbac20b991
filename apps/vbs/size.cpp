#include "apps/vbs/size.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "apps/vbs/failure.hpp"
#include "core/base/log.hpp"

namespace vbs::cli {
namespace {
struct Unit {
  std::string_view name;
  uint64_t bytes;
};
constexpr std::array<Unit, 6> kUnits{{{"MiB", 1ull << 20},
                                      {"GiB", 1ull << 30},
                                      {"TiB", 1ull << 40},
                                      {"M", 1ull << 20},
                                      {"G", 1ull << 30},
                                      {"T", 1ull << 40}}};

[[noreturn]] void bad(std::string_view text, const std::string& why) {
  throw Failure(Exit::usage, fmt::format("size '{}' {}", for_log(text, 64), why),
                "write a whole number and a unit: 500MiB, 10GiB (or 10G), 1TiB");
}
}  // namespace

uint64_t parse_size(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range) bad(text, "is over the limit of 64TiB");
  if (error != std::errc()) bad(text, "does not begin with a whole number");
  const std::string_view name = text.substr(static_cast<size_t>(end - text.data()));
  if (name.empty()) bad(text, "has no unit");
  for (const auto& unit : kUnits) {
    if (unit.name != name) continue;
    if (number > kMaxVolumeBytes / unit.bytes) bad(text, "is over the limit of 64TiB");
    if (number == 0) bad(text, "is under the limit of 1MiB");
    return number * unit.bytes;
  }
  if (name[0] == '.' || name[0] == ',') bad(text, "has a fraction; 1536MiB is 1.5GiB");
  if (name == "MB" || name == "GB" || name == "TB") bad(text, "has a decimal unit; volumes are counted in binary ones");
  bad(text, fmt::format("has the unknown unit '{}'", for_log(name, 16)));
}

std::string format_size(uint64_t bytes) {
  constexpr std::array<std::string_view, 6> names{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  size_t i = 0;
  uint64_t unit = 1;
  while (i + 1 < names.size() && bytes / unit >= 1024) {
    unit *= 1024;
    ++i;
  }
  const uint64_t whole = bytes / unit;
  const uint64_t tenth = bytes % unit * 10 / unit;
  return tenth == 0 ? fmt::format("{} {}", whole, names[i]) : fmt::format("{}.{} {}", whole, tenth, names[i]);
}

}  // namespace vbs::cli
