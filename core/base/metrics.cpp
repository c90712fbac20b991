#include "core/base/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace vbs::metrics {
namespace {
using Buckets = prometheus::Histogram::BucketBoundaries;

// From an operation on an idle machine (milliseconds) to a copy of a large volume.
const Buckets kOperationSeconds{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200};
const Buckets kRequestSeconds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
const Buckets kCommitSeconds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5};
const Buckets kBatch{1, 2, 4, 8, 16, 32, 64, 128, 256};

struct Set {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& operations = prometheus::BuildCounter()
                                                            .Name("vbs_operations_total")
                                                            .Help("Operations that ended, by kind and outcome")
                                                            .Register(registry);
  prometheus::Family<prometheus::Histogram>& operation_seconds =
      prometheus::BuildHistogram()
          .Name("vbs_operation_duration_seconds")
          .Help("Time from the admission of an operation to its end")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& requests = prometheus::BuildCounter()
                                                          .Name("vbs_http_requests_total")
                                                          .Help("Requests answered, by class of status")
                                                          .Register(registry);
  prometheus::Histogram& request_seconds = prometheus::BuildHistogram()
                                               .Name("vbs_http_request_duration_seconds")
                                               .Help("Time from a request's last byte to its answer, waiting included")
                                               .Register(registry)
                                               .Add({}, kRequestSeconds);
  prometheus::Histogram& commit_seconds = prometheus::BuildHistogram()
                                              .Name("vbs_store_commit_duration_seconds")
                                              .Help("Time of a commit of the store with its sync")
                                              .Register(registry)
                                              .Add({}, kCommitSeconds);
  prometheus::Histogram& batch = prometheus::BuildHistogram()
                                     .Name("vbs_store_commit_transactions")
                                     .Help("Transactions that share one commit of the store")
                                     .Register(registry)
                                     .Add({}, kBatch);
  prometheus::Counter& commit_failures = prometheus::BuildCounter()
                                             .Name("vbs_store_commit_failures_total")
                                             .Help("Commits of the store that failed: disk full, I/O error")
                                             .Register(registry)
                                             .Add({});
  Set() {
    for (const char* status : {"1xx", "2xx", "3xx", "4xx", "5xx"}) requests.Add({{"class", status}});
  }
};

Set& set() {
  static auto* s = new Set;  // never destroyed: threads may count while the process ends
  return *s;
}
}  // namespace

void operation_ended(const std::string& kind, std::string_view outcome, double seconds) {
  set().operations.Add({{"kind", kind}, {"outcome", std::string(outcome)}}).Increment();
  set().operation_seconds.Add({{"kind", kind}}, kOperationSeconds).Observe(seconds);
}

void http_answered(int status, double seconds) {
  set().requests.Add({{"class", std::to_string(status / 100) + "xx"}}).Increment();
  set().request_seconds.Observe(seconds);
}

void store_committed(size_t transactions, double seconds) {
  set().commit_seconds.Observe(seconds);
  set().batch.Observe(static_cast<double>(transactions));
}

void store_commit_failed() { set().commit_failures.Increment(); }

std::string text(const std::vector<Gauge>& gauges) {
  auto families = set().registry.Collect();
  for (const auto& g : gauges) {
    if (families.empty() || families.back().name != g.name)
      families.push_back({g.name, g.help, prometheus::MetricType::Gauge, {}});
    prometheus::ClientMetric metric;
    for (const auto& [name, value] : g.labels) metric.label.push_back({name, value});
    metric.gauge.value = g.value;
    families.back().metric.push_back(std::move(metric));
  }
  return prometheus::TextSerializer().Serialize(families);
}
}  // namespace vbs::metrics
