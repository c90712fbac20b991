// Logging: one line an event, to standard error, through spdlog. `logger()` may be used from any thread.
#pragma once
#include <spdlog/spdlog.h>

#include <string>

namespace vbs {
spdlog::logger& logger();
void set_log_level(const std::string& level);  // debug | info | warning | error; throws Error(invalid)
// `text` with control characters escaped: what comes from outside must not forge log lines (CWE-117).
std::string for_log(std::string_view text, size_t limit = 512);
}  // namespace vbs
