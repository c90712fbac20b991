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
  const auto put = [&out](size_t last, auto value) {
    for (auto n = static_cast<uint64_t>(value); n > 0; n /= 10) out[last--] = static_cast<char>('0' + n % 10);
  };
  put(3, static_cast<int>(date.year()));
  put(6, static_cast<unsigned>(date.month()));
  put(9, static_cast<unsigned>(date.day()));
  put(12, time.hours().count());
  put(15, time.minutes().count());
  put(18, time.seconds().count());
  put(25, time.subseconds().count());
  return out;
}
}  // namespace vbs
