// How many syncs an operation really makes, and on what: counted by strace, operation by operation.
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <stdexcept>
#include <thread>

#include "bench/api.hpp"
#include "bench/report.hpp"
#include "bench/settings.hpp"
#include "bench/syncs.hpp"

extern char** environ;

namespace vbs::bench {
namespace {
using namespace std::chrono_literals;

// "12345 fdatasync(7</data/vbs.db-wal>) = 0" -> what it is that was synced
std::string target_of(const std::string& line) {
  const auto begin = line.find('<'), end = line.find('>');
  if (begin == std::string::npos || end == std::string::npos) return "";
  const auto path = line.substr(begin + 1, end - begin - 1);
  if (path.ends_with("-wal")) return "commit";
  if (path.ends_with("vbs.db")) return "checkpoint";
  if (path.ends_with(".json")) return "sidecar";
  if (path.ends_with("/images")) return "directory";
  return "file";
}
}  // namespace

SyncCount count_syncs(const Settings& s, const std::function<void()>& work) {
  const auto log = std::filesystem::temp_directory_path() / fmt::format("vbs-bench-strace-{}", ::getpid());
  const auto pid_text = std::to_string(s.vbsd), log_text = log.string();
  const char* const argv[] = {
      "strace",         "-f",   "-y", "-q", "-e", "trace=fsync,fdatasync", "-o", log_text.c_str(), "-p",
      pid_text.c_str(), nullptr};
  pid_t strace = 0;
  if (const int error = posix_spawnp(&strace, argv[0], nullptr, nullptr, const_cast<char* const*>(argv), environ))
    throw std::runtime_error(fmt::format("cannot start strace (Debian package strace): {}", std::strerror(error)));
  std::this_thread::sleep_for(1s);  // until it is attached to every thread
  std::exception_ptr error;
  try {
    work();
  } catch (...) {
    error = std::current_exception();
  }
  std::this_thread::sleep_for(200ms);
  ::kill(strace, SIGINT);
  ::waitpid(strace, nullptr, 0);
  SyncCount count;
  std::ifstream lines(log);
  for (std::string line; std::getline(lines, line);)
    if (line.find("resumed") == std::string::npos)
      if (const auto target = target_of(line); !target.empty()) ++count[target];
  std::filesystem::remove(log);
  if (error) std::rethrow_exception(error);
  return count;
}

void measure_syncs(const Settings& s, Report& report) {
  constexpr unsigned kTimes = 20;
  Api api(s.server);
  std::vector<std::string> ids;
  const auto add = [&](const std::string& name, const SyncCount& count) {
    std::string note;
    double sum = 0;
    for (const auto& [target, n] : count) {
      note += fmt::format("{}{} {:.2f}", note.empty() ? "" : ", ", target, n / double{kTimes});
      sum += n;
    }
    report.add({"syncs of one operation, one client (strace)", name, "syncs", sum / kTimes, note, std::nullopt});
  };
  add("create", count_syncs(s, [&] {
        for (unsigned i = 0; i < kTimes; ++i) ids.push_back(api.create_volume("ext4", 1ull << 30));
      }));
  add("show", count_syncs(s, [&] {
        for (const auto& id : ids) api.show_volume(id);
      }));
  add("delete", count_syncs(s, [&] {
        for (const auto& id : ids) api.delete_volume(id);
      }));
}

}  // namespace vbs::bench
