#include "bench/statistics.hpp"

#include <algorithm>
#include <cmath>

namespace vbs::bench {

double percentile(std::vector<double> values, double percent) {
  if (values.empty()) return 0;
  const auto rank = std::ceil(percent / 100 * static_cast<double>(values.size()));
  const auto index = std::min(values.size() - 1, static_cast<size_t>(std::max(rank, 1.0)) - 1);
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(index), values.end());
  return values[index];
}

}  // namespace vbs::bench
