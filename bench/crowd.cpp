// Two hundred clients that attach one volume read-only, each to a VM of its own, all at once; then detach it. The VMs
// are those of plugins/faulty, so that what is measured is the service: rights, locks, exports, journal. All must
// succeed.
#include <fmt/format.h>

#include <latch>
#include <mutex>
#include <thread>

#include "bench/api.hpp"
#include "bench/report.hpp"
#include "bench/settings.hpp"
#include "bench/statistics.hpp"

namespace vbs::bench {
namespace {
constexpr unsigned kCrowd = 200;
constexpr uint64_t kGiB = 1ull << 30;

struct Rush {
  std::vector<double> latencies;  // ms, of those that succeeded
  double all_ms = 0;
  std::string first_error;
};

// f(client, number) by every client at once.
template <class F>
Rush rush(std::vector<std::unique_ptr<Api>>& clients, F f) {
  Rush out;
  std::mutex mutex;
  std::latch ready(static_cast<std::ptrdiff_t>(clients.size()) + 1);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < clients.size(); ++i)
    threads.emplace_back([&, i] {
      ready.arrive_and_wait();
      try {
        const auto ms = timed([&] { f(*clients[i], i); });
        const std::lock_guard lock(mutex);
        out.latencies.push_back(ms);
      } catch (const std::exception& e) {
        const std::lock_guard lock(mutex);
        if (out.first_error.empty()) out.first_error = e.what();
      }
    });
  ready.arrive_and_wait();
  out.all_ms = timed([&] {
    for (auto& t : threads) t.join();
  });
  return out;
}

void add(Report& report, const std::string& what, const Rush& r) {
  const std::string group = fmt::format("{} VMs, one volume read-only, all at once", kCrowd);
  const auto failed = kCrowd - r.latencies.size();
  report.add({group, what + " that failed", "", static_cast<double>(failed), r.first_error.substr(0, 200),
              Goal{Goal::Bound::at_most, 0}});
  report.add({group, what + ", until the last has succeeded", "ms", r.all_ms,
              fmt::format("p50 {:.1f} ms, p99 {:.1f} ms", median(r.latencies), percentile(r.latencies, 99)),
              std::nullopt});
}
}  // namespace

void measure_crowd(const Settings& s, Report& report) {
  std::vector<std::unique_ptr<Api>> clients;
  for (unsigned i = 0; i < kCrowd; ++i) clients.push_back(std::make_unique<Api>(s.server));
  const auto volume = clients.front()->create_volume("ext4", kGiB);
  const auto vm = [](unsigned i) { return fmt::format("vm{}", i + 1); };
  for (unsigned i = 0; i < kCrowd; ++i) clients[i]->show_volume(volume);  // connects
  add(report, "attach", rush(clients, [&](Api& api, unsigned i) { api.attach(volume, s.crowd, vm(i), "ro"); }));
  add(report, "detach", rush(clients, [&](Api& api, unsigned i) { api.detach(volume, s.crowd, vm(i)); }));
  clients.front()->delete_volume(volume);
}

}  // namespace vbs::bench
