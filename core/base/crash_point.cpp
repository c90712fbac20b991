#include "core/base/crash_point.hpp"

#ifdef VBS_CRASH_POINTS
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>

namespace vbs {
void crash_point(const std::string& name) {
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
  if (at && name == at) ::kill(::getpid(), SIGKILL);
}
}  // namespace vbs
#endif
