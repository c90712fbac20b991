#include "core/base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>

#include "core/base/error.hpp"

namespace vbs {
spdlog::logger& logger() {
  static auto instance = [] {
    auto l = spdlog::stderr_logger_mt("vbs");
    l->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v", spdlog::pattern_time_type::utc);
    l->flush_on(spdlog::level::info);
    return l;
  }();
  return *instance;
}
void set_log_level(const std::string& level) {
  if (level != "debug" && level != "info" && level != "warning" && level != "error")
    throw Error(Code::invalid, "log level '" + for_log(level) + "': use debug, info, warning or error", "log.level");
  logger().set_level(spdlog::level::from_str(level));
}
std::string for_log(std::string_view text, size_t limit) {
  std::string out;
  for (const char c : text.substr(0, limit)) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 0x20 || u == 0x7f)
      out += fmt::format("\\x{:02x}", u);
    else
      out += c;
  }
  if (text.size() > limit) out += "...";
  return out;
}
}  // namespace vbs
