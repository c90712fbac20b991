#include "core/base/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "core/base/error.hpp"
#include "core/base/log.hpp"
#include "core/base/unique_fd.hpp"

namespace vbs {
namespace {
using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kCancelPoll{50};

[[noreturn]] void no_resources(const char* what, int error) {
  throw Error(Code::busy,
              fmt::format("cannot start a child process: {}: {}; raise the service's limits on processes and open "
                          "files, or let it do less at once",
                          what, std::strerror(error)));
}

std::string search_path() {
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nothing in VBS changes the environment
  return std::string(path ? path : "/usr/local/bin:/usr/bin:/bin") + ":/usr/sbin:/sbin";
}

[[noreturn]] void absent(const std::string& program, const std::string& package, const std::string& why) {
  throw Error(Code::not_supported,
              fmt::format("program '{}' {}: install {}, or name another in the command pattern", for_log(program), why,
                          package.empty() ? "the package that brings it" : "the package " + package));
}

std::string find_program(const std::string& program, const std::string& path, const std::string& package) {
  if (program.find('/') != std::string::npos) {
    if (program.front() != '/')
      throw Error(Code::invalid, fmt::format("program '{}': use a bare name or an absolute path", for_log(program)));
    if (access(program.c_str(), X_OK) != 0)
      absent(program, package, fmt::format("cannot be run ({})", std::strerror(errno)));
    return program;
  }
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find(':', begin), path.size());
    const std::string directory = path.substr(begin, end - begin);
    begin = end + 1;
    if (directory.empty() || directory.front() != '/') continue;  // never the current directory
    std::string file = directory + "/" + program;
    if (access(file.c_str(), X_OK) == 0) return file;
  }
  absent(program, package, "is not installed (looked in " + path + ")");
}

struct Pipe {
  UniqueFd read, write;
};

// Both ends above 2, also when the service was started with closed standard streams: the child's dup2() must not
// overwrite the other pipe.
Pipe make_pipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) no_resources("pipe", errno);
  Pipe low{UniqueFd(fds[0]), UniqueFd(fds[1])}, high;
  high.read = fds[0] > 2 ? std::move(low.read) : UniqueFd(fcntl(fds[0], F_DUPFD_CLOEXEC, 3));
  high.write = fds[1] > 2 ? std::move(low.write) : UniqueFd(fcntl(fds[1], F_DUPFD_CLOEXEC, 3));
  if (!high.read || !high.write) no_resources("dup", errno);
  fcntl(high.read.get(), F_SETFL, O_NONBLOCK);
  return high;
}

struct Capture {
  UniqueFd fd;
  std::string& text;
  bool& truncated;
  size_t limit;

  // Takes what is there. Bounded, so that a child that writes without end does not keep us from its deadline.
  void drain() {
    char buffer[65536];
    for (int rounds = 0; fd && rounds < 32; ++rounds) {
      const ssize_t n = read(fd.get(), buffer, sizeof buffer);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (n <= 0) return fd.reset();
      const size_t keep = std::min(static_cast<size_t>(n), limit - text.size());
      text.append(buffer, keep);
      truncated |= keep < static_cast<size_t>(n);
    }
  }
};

struct Child {
  pid_t pid = 0;
  UniqueFd pidfd;
};

struct SpawnSetup {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  SpawnSetup(int out, int err) {
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
};

Child spawn(const std::vector<std::string>& argv, int out, int err, const std::string& package) {
  const std::string path = search_path();
  const std::string program = find_program(argv[0], path, package);
  std::string locale = "LC_ALL=C", path_variable = "PATH=" + path;
  char* environment[] = {locale.data(), path_variable.data(), nullptr};
  std::vector<char*> arguments;
  for (const auto& a : argv) arguments.push_back(const_cast<char*>(a.c_str()));
  arguments.push_back(nullptr);

  Child child;
  const SpawnSetup setup(out, err);
  const int error =
      posix_spawn(&child.pid, program.c_str(), &setup.actions, &setup.attributes, arguments.data(), environment);
  if (error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE) no_resources("spawn", error);
  if (error == E2BIG)
    throw Error(Code::invalid, fmt::format("the arguments of '{}' are too long for the system", for_log(argv[0])));
  if (error != 0) absent(argv[0], package, fmt::format("cannot be run ({})", std::strerror(error)));
  // glibc 2.36 declares pidfd_open() without C linkage, so C++ cannot link it.
  child.pidfd.reset(static_cast<int>(syscall(SYS_pidfd_open, child.pid, 0)));
  if (!child.pidfd) {
    const int why = errno;
    kill(-child.pid, SIGKILL);
    waitpid(child.pid, nullptr, 0);
    no_resources("pidfd_open", why);
  }
  return child;
}

// Children given up on. There is no thread for them: whoever runs the next process looks whether they have ended.
class Abandoned {
 public:
  void add(UniqueFd pidfd) {
    const std::lock_guard lock(mutex_);
    children_.push_back(std::move(pidfd));
  }
  size_t collect() {
    const std::lock_guard lock(mutex_);
    std::erase_if(children_, [](const UniqueFd& child) {
      siginfo_t info{};
      const int r = waitid(P_PIDFD, static_cast<id_t>(child.get()), &info, WEXITED | WNOHANG);
      return r != 0 ? errno != EINTR : info.si_pid != 0;
    });
    return children_.size();
  }

 private:
  std::mutex mutex_;
  std::vector<UniqueFd> children_;
};

Abandoned& abandoned() {
  static auto* instance = new Abandoned;  // never destroyed: threads may outlive static objects
  return *instance;
}

void reap(const Child& child, ProcessResult& result) {
  siginfo_t info{};
  while (waitid(P_PIDFD, static_cast<id_t>(child.pidfd.get()), &info, WEXITED) != 0 && errno == EINTR) {
  }
  if (info.si_code == CLD_EXITED)
    result.exit_status = info.si_status;
  else
    result.signal = info.si_status;
}

int wait_ms(Clock::time_point until, bool poll_cancel) {
  auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
  if (poll_cancel) left = std::min(left, kCancelPoll);
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 3'600'000));
}

void wait_for(Child& child, const ProcessOptions& options, Capture& out, Capture& err, ProcessResult& result) {
  enum class Phase { running, terminating, killed } phase = Phase::running;
  Clock::time_point next = options.deadline;
  bool ended = false;
  for (;;) {
    // After a SIGTERM the group has its time to tidy up even if its leader was quicker: open pipes mean that it lives.
    if (ended && (phase != Phase::terminating || (!out.fd && !err.fd))) break;
    const bool asked = phase == Phase::running && options.cancelled && options.cancelled();
    if (asked || Clock::now() >= next) {
      if (phase == Phase::running) {
        (asked ? result.cancelled : result.timed_out) = true;
        kill(-child.pid, SIGTERM);
        phase = Phase::terminating;
        next = Clock::now() + options.term_grace;
      } else if (phase == Phase::terminating) {
        kill(-child.pid, SIGKILL);
        phase = Phase::killed;
        next = Clock::now() + options.kill_grace;
      } else {
        result.abandoned = true;
        abandoned().add(std::move(child.pidfd));
        return;
      }
    }
    pollfd fds[] = {{ended ? -1 : child.pidfd.get(), POLLIN, 0}, {out.fd.get(), POLLIN, 0}, {err.fd.get(), POLLIN, 0}};
    poll(fds, 3, wait_ms(next, phase == Phase::running && options.cancelled));
    if (fds[0].revents) ended = true;
    if (fds[1].revents || ended) out.drain();
    if (fds[2].revents || ended) err.drain();
  }
  // Before the reaping, while the number of the group cannot belong to anybody else.
  if (phase != Phase::running) kill(-child.pid, SIGKILL);
  reap(child, result);
}
}  // namespace

ProcessResult run_process(const std::vector<std::string>& argv, const ProcessOptions& options) {
  if (argv.empty() || argv[0].empty()) throw Error(Code::invalid, "no program was named: the argument vector is empty");
  for (const auto& a : argv)
    if (a.find('\0') != std::string::npos)
      throw Error(Code::invalid, fmt::format("an argument of '{}' contains a NUL byte", for_log(argv[0])));
  abandoned().collect();

  ProcessResult result;
  Pipe out = make_pipe(), err = make_pipe();
  Child child = spawn(argv, out.write.get(), err.write.get(), options.package);
  out.write.reset();
  err.write.reset();
  Capture capture_out{std::move(out.read), result.out, result.out_truncated, options.output_limit};
  Capture capture_err{std::move(err.read), result.err, result.err_truncated, options.output_limit};
  wait_for(child, options, capture_out, capture_err, result);
  return result;
}

size_t abandoned_processes() { return abandoned().collect(); }

}  // namespace vbs
