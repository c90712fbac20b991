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

std::optional<int64_t> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  constexpr std::string_view kForm = "0000-00-00T00:00:00.000000Z";
  if (text.size() != kForm.size()) return std::nullopt;
  for (size_t i = 0; i < text.size(); ++i)
    if (kForm[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != kForm[i]) return std::nullopt;
  const auto number = [&](size_t first, size_t digits) {
    int n = 0;
    for (size_t i = first; i < first + digits; ++i) n = n * 10 + (text[i] - '0');
    return n;
  };
  const year_month_day date(year(number(0, 4)), month(static_cast<unsigned>(number(5, 2))),
                            day(static_cast<unsigned>(number(8, 2))));
  if (!date.ok() || number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 59) return std::nullopt;
  const auto at = sys_days(date) + hours(number(11, 2)) + minutes(number(14, 2)) + seconds(number(17, 2));
  return duration_cast<microseconds>(at.time_since_epoch()).count() + number(20, 6);
}
}  // namespace vbs
