// What the service counts and times, for /metrics; docs/monitoring.md lists every name. One set for the process, as the
// log is. Counting costs less than a microsecond. prometheus-cpp stays inside metrics.cpp.
//
// Threading: any thread.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vbs::metrics {

// `outcome`: "done", or the error's code ("no_space"). Seconds from admission to the end.
void operation_ended(const std::string& kind, std::string_view outcome, double seconds);
void http_answered(int status, double seconds);
void store_committed(size_t transactions, double seconds);
void store_commit_failed();

// A value that is looked up when somebody asks, in the text format of Prometheus.
struct Gauge {
  std::string name, help;
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;
};

// Everything counted so far and the gauges, in Prometheus' text format 0.0.4. Gauges of one name stand together.
std::string text(const std::vector<Gauge>& gauges);

}  // namespace vbs::metrics
