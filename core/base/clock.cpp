#include "core/base/clock.hpp"

#include <chrono>
#include <cstdio>
#include <ctime>

namespace vbs {
int64_t now_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}
std::string rfc3339(int64_t us) {
  const time_t s = us / 1000000;
  tm t{};
  gmtime_r(&s, &t);
  char out[64];
  const int n = std::snprintf(out, sizeof out, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", t.tm_year + 1900, t.tm_mon + 1,
                              t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, static_cast<int>(us % 1000000));
  return {out, static_cast<size_t>(n)};
}
}  // namespace vbs
