#include "core/base/crash_point.hpp"

#ifdef VBS_CRASH_POINTS
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <mutex>

namespace vbs {
namespace {
std::mutex mutex;
std::function<void(const std::string&)> observer;

// `at` is a name, or "@FILE": the name that stands in FILE by now, which may be missing.
bool is_named(const char* at, const std::string& name) {
  if (*at != '@') return name == at;
  std::ifstream file(at + 1);
  std::string line;
  return std::getline(file, line) && line == name;
}
}  // namespace

void on_crash_point(std::function<void(const std::string&)> f) {
  const std::lock_guard lock(mutex);
  observer = std::move(f);
}

void crash_point(const std::string& name) {
  std::function<void(const std::string&)> seen_by;
  {
    const std::lock_guard lock(mutex);
    seen_by = observer;
  }
  if (seen_by) seen_by(name);
  static const char* const at = std::getenv("VBS_CRASH_AT");
  static const char* const trace = std::getenv("VBS_CRASH_TRACE");
  if (trace) {
    const int fd = ::open(trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const std::string line = name + "\n";
    if (fd >= 0) {
      if (::write(fd, line.data(), line.size()) < 0) ::abort();
      ::close(fd);
    }
  }
  if (at && is_named(at, name)) ::kill(::getpid(), SIGKILL);
}
}  // namespace vbs
#endif
