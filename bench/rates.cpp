// What several clients get done together. Each has one connection and one request under way.
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <mutex>
#include <random>
#include <sstream>
#include <thread>

#include "bench/api.hpp"
#include "bench/report.hpp"
#include "bench/settings.hpp"
#include "bench/statistics.hpp"

namespace vbs::bench {
namespace {
constexpr uint64_t kGiB = 1ull << 30;
constexpr size_t kListed = 1000;
constexpr unsigned kShows = 2000;

// One request of client `number`; false: nothing is left to do.
using Work = std::function<bool(Api&, unsigned number)>;

// Processor time that a process has used, in seconds, from /proc/PID/stat (proc(5): fields 14 and 15).
double processor_seconds(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text, word;
  std::getline(file, text);
  std::istringstream rest(text.substr(text.rfind(')') + 1));
  double ticks = 0;
  for (int field = 3; field <= 15 && rest >> word; ++field)
    if (field >= 14) ticks += std::stod(word);
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

struct Outcome {
  std::vector<double> latencies;  // ms
  double seconds = 0, processor_seconds = 0;
  double rate() const { return static_cast<double>(latencies.size()) / seconds; }
  std::string note() const {
    return fmt::format("{} in {:.1f} s, p50 {:.1f} ms, p99 {:.1f} ms; vbsd: {:.0f} us of processor each",
                       latencies.size(), seconds, median(latencies), percentile(latencies, 99),
                       processor_seconds / static_cast<double>(latencies.size()) * 1e6);
  }
};

// Runs `work` on every client until `seconds` are over, but at least `least` times, or until nothing is left.
Outcome run(const Settings& s, double seconds, size_t least, const Work& work) {
  Outcome all;
  std::mutex mutex;
  std::exception_ptr error;
  std::atomic<size_t> done{0};
  std::atomic<bool> stop{false};
  std::vector<std::unique_ptr<Api>> clients;
  for (unsigned i = 0; i < s.clients; ++i) clients.push_back(std::make_unique<Api>(s.server));
  const auto used = processor_seconds(s.vbsd);
  const auto begin = Clock::now();
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < s.clients; ++i)
    threads.emplace_back([&, i] {
      std::vector<double> mine;
      try {
        bool more = true;
        while (!stop && (ms_since(begin) < seconds * 1000 || done < least)) {
          const auto ms = timed([&] { more = work(*clients[i], i); });
          if (!more) break;
          mine.push_back(ms);
          ++done;
        }
      } catch (...) {
        stop = true;
        const std::lock_guard lock(mutex);
        error = std::current_exception();
      }
      const std::lock_guard lock(mutex);
      all.latencies.insert(all.latencies.end(), mine.begin(), mine.end());
    });
  for (auto& t : threads) t.join();
  all.seconds = ms_since(begin) / 1000;
  all.processor_seconds = processor_seconds(s.vbsd) - used;
  if (error) std::rethrow_exception(error);
  return all;
}

void add(Report& report, const Settings& s, const std::string& backend, const std::string& what, const Outcome& o,
         std::optional<double> goal) {
  Figure f{fmt::format("{} clients, back-end on {}", s.clients, backend), what, "/s", o.rate(), o.note(), std::nullopt};
  if (goal) f.goal = Goal{Goal::Bound::at_least, *goal};
  report.add(std::move(f));
}

// What a reader notices of eight writers: one more client asks for a volume all the while.
void report_shows_beside(Report& report, const Settings& s, const std::string& backend, std::string id,
                         const Work& create) {
  Api reader(s.server);
  std::vector<double> latencies;
  const auto alone = [&] {
    latencies.clear();
    for (unsigned i = 0; i < kShows; ++i) latencies.push_back(timed([&] { reader.show_volume(id); }));
  };
  const auto figure = [&](const std::string& what) {
    report.add({fmt::format("{} clients, back-end on {}", s.clients, backend), what, "ms", median(latencies),
                fmt::format("p50 of {}; p99 {:.2f} ms", latencies.size(), percentile(latencies, 99)), std::nullopt});
  };
  alone();
  figure("one more client: show, while nobody creates");
  std::atomic<bool> over{false};
  latencies.clear();
  std::thread shows([&] {
    while (!over) latencies.push_back(timed([&] { reader.show_volume(id); }));
  });
  try {
    run(s, s.seconds, 1, create);
  } catch (...) {
    over = true;
    shows.join();
    throw;
  }
  over = true;
  shows.join();
  figure("one more client: show, while the others create");
}

void measure(const Settings& s, Report& report, const std::string& backend, bool reads) {
  std::mutex mutex;
  std::vector<std::string> ids;
  const auto goal = [&](double value) { return reads ? std::optional(value) : std::nullopt; };

  const Work create = [&](Api& api, unsigned) {
    auto id = api.create_volume(backend, kGiB);
    const std::lock_guard lock(mutex);
    ids.push_back(std::move(id));
    return true;
  };
  add(report, s, backend, "create -> available, 1 GiB sparse", run(s, s.seconds, kListed, create), goal(1000));
  if (reads) {
    report_shows_beside(report, s, backend, ids.front(), create);
    std::vector<std::mt19937> random;
    for (unsigned i = 0; i < s.clients; ++i) random.emplace_back(i);
    add(report, s, backend, "show",
        run(s, s.seconds, 1,
            [&](Api& api, unsigned i) {
              api.show_volume(ids[random[i]() % ids.size()]);
              return true;
            }),
        5000);
    std::atomic<size_t> bytes{0};
    auto lists = run(s, s.seconds, 1, [&](Api& api, unsigned) {
      bytes = api.list_volumes(kListed);
      return true;
    });
    add(report, s, backend, fmt::format("list of {} volumes in detail ({} KiB)", kListed, bytes / 1024), lists, 200);
  }
  std::atomic<size_t> next{0};
  add(report, s, backend, "delete -> gone",
      run(s, 3600, 1,
          [&](Api& api, unsigned) {
            const auto i = next++;
            if (i >= ids.size()) return false;
            api.delete_volume(ids[i]);
            return true;
          }),
      goal(2000));
}
}  // namespace

void measure_rates(const Settings& s, Report& report) {
  if (!s.ext4_dir.empty()) measure(s, report, "ext4", true);
  if (!s.xfs_dir.empty()) measure(s, report, "xfs", false);
}

}  // namespace vbs::bench
