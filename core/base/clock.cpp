#include "core/base/clock.hpp"

#include <chrono>

namespace vbs {
int64_t now_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}
// By hand: a list of 1,000 volumes has 2,000 of these, and snprintf with gmtime_r was a tenth of its time.
std::string rfc3339(int64_t us) {
  using namespace std::chrono;
  const sys_time<microseconds> at{microseconds(us)};
  const auto day = floor<days>(at);
  const year_month_day date(day);
  const hh_mm_ss time(at - day);
  std::string out = "0000-00-00T00:00:00.000000Z";
  const auto put = [&out](size_t first, size_t digits, auto value) {
    auto n = static_cast<uint64_t>(value);
    for (size_t i = digits; i > 0; --i, n /= 10) out[first + i - 1] = static_cast<char>('0' + n % 10);
  };
  put(0, 4, static_cast<int>(date.year()));
  put(5, 2, static_cast<unsigned>(date.month()));
  put(8, 2, static_cast<unsigned>(date.day()));
  put(11, 2, time.hours().count());
  put(14, 2, time.minutes().count());
  put(17, 2, time.seconds().count());
  put(20, 6, time.subseconds().count());
  return out;
}
}  // namespace vbs
