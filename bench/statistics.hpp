// Time and what is said about many of it.
#pragma once
#include <chrono>
#include <vector>

namespace vbs::bench {

using Clock = std::chrono::steady_clock;
inline double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}
// Of a call, in milliseconds.
template <class F>
double timed(F&& f) {
  const auto begin = Clock::now();
  f();
  return ms_since(begin);
}

double percentile(std::vector<double> values, double percent);  // nearest rank; 0 for none
inline double median(std::vector<double> values) { return percentile(std::move(values), 50); }

}  // namespace vbs::bench
