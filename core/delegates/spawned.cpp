#include "core/delegates/spawned.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <functional>
#include <thread>

#include "core/base/durable_file.hpp"
#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/base/log.hpp"
#include "core/base/unique_fd.hpp"

extern char** environ;

namespace vbs {
namespace {
using std::chrono::milliseconds;
constexpr milliseconds kStartAgain{1000}, kLongestPause{30000}, kStopTime{20000}, kKillTime{2000};
constexpr std::chrono::seconds kLived{60};  // after that an end is a new misfortune, not the old one

// Names of back-ends may be long and hold anything; the path of a socket has 107 bytes.
std::string short_name(const std::string& name) { return fmt::format("{:016x}", std::hash<std::string>{}(name)); }

// JSON is YAML, so texts of any kind are written as such.
std::string quoted(const std::string& text) {
  JsonBuffer buffer;
  JsonWriter writer(buffer);
  put(writer, text);
  return {buffer.GetString(), buffer.GetSize()};
}

std::string config_text(const SpawnOptions& o, const DelegateConfig& d, SpawnedDelegate::Serves what,
                        const std::string& name, const std::string& directory) {
  std::string directories;
  for (const auto& p : o.plugins) directories += (directories.empty() ? "" : ", ") + quoted(p);
  return fmt::format(
      "name: {}\nlisten: {}\nstate_directory: {}\nserves: {{{}: [{}]}}\nplugins:\n  directories: [{}]\n"
      "  commands: {}\nlog: {{level: {}}}\n",
      quoted(d.name), quoted(d.address), quoted(directory),
      what == SpawnedDelegate::Serves::backend ? "backends" : "hosts", quoted(name), directories,
      o.commands.empty() ? "{}" : o.commands, o.log_level);
}
}  // namespace

struct SpawnedDelegate::Impl {
  Impl(const SpawnOptions& options, Serves what, const std::string& name) : program(options.program) {
    directory = options.directory + "/" + (what == Serves::backend ? "b-" : "h-") + short_name(name);
    config = {name_for(name), "unix:" + directory + "/socket"};
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (!error) std::filesystem::permissions(directory, std::filesystem::perms::owner_all, error);
    if (error) throw Error(Code::unavailable, fmt::format("cannot make {}: {}", directory, error.message()));
    file = directory + "/vbs-delegate.yaml";
    write_file_atomically(file, config_text(options, config, what, name, directory), 0600, IfExists::replace);
    wake = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    keeper = std::thread([this] { keep(); });
  }

  ~Impl() {
    const uint64_t one = 1;
    if (write(wake.get(), &one, sizeof one) < 0) logger().error("cannot wake a thread: {}", std::strerror(errno));
    keeper.join();
  }

  // The process must end when the thread that started it does (PR_SET_PDEATHSIG), so this one stays for it.
  void keep() {
    auto pause = kStartAgain;
    while (!asked_to_end(milliseconds(0))) {
      const auto began = std::chrono::steady_clock::now();
      if (start()) {
        pollfd fds[] = {{child.get(), POLLIN, 0}, {wake.get(), POLLIN, 0}};
        while (poll(fds, 2, -1) < 0 && errno == EINTR) {
        }
        if (fds[1].revents) return end();
        logger().error("delegate {} has ended ({}): it is started again", config.name, how_it_ended());
      }
      pause = std::chrono::steady_clock::now() - began > kLived ? kStartAgain : pause;
      if (asked_to_end(pause)) return;
      pause = std::min(pause * 2, kLongestPause);
    }
  }

  bool asked_to_end(milliseconds time) const {
    pollfd fd{wake.get(), POLLIN, 0};
    return poll(&fd, 1, static_cast<int>(time.count())) > 0;
  }

  bool start() {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    const auto parent = std::to_string(getpid());
    std::string words[] = {program, "--config", file, "--parent", parent};
    char* argv[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data(), words[4].data(), nullptr};
    const int failed = posix_spawn(&pid, program.c_str(), &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (failed == 0) child = UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (failed == 0 && child) return true;
    logger().error("delegate {}: {} cannot be started: {}; install it, or correct its permissions", config.name,
                   program, std::strerror(failed ? failed : errno));
    if (failed == 0) kill(pid, SIGKILL);
    return false;
  }

  std::string how_it_ended() {
    siginfo_t info{};
    waitid(P_PIDFD, static_cast<id_t>(child.get()), &info, WEXITED);
    child.reset();
    return info.si_code == CLD_EXITED ? fmt::format("status {}", info.si_status)
                                      : fmt::format("signal {}, {}", info.si_status, strsignal(info.si_status));
  }

  void end() {
    for (const auto& [signal, time] : {std::pair(SIGTERM, kStopTime), std::pair(SIGKILL, kKillTime)}) {
      syscall(SYS_pidfd_send_signal, child.get(), signal, nullptr, 0);
      pollfd fd{child.get(), POLLIN, 0};
      if (poll(&fd, 1, static_cast<int>(time.count())) > 0) return void(how_it_ended());
    }
    logger().error("delegate {} (process {}) cannot be killed; it probably hangs in a file system", config.name, pid);
  }

  const std::string program;
  std::string directory, file;
  DelegateConfig config;
  pid_t pid = 0;
  UniqueFd child, wake;
  std::thread keeper;
};

SpawnedDelegate::SpawnedDelegate(const SpawnOptions& options, Serves what, const std::string& name)
    : impl_(std::make_unique<Impl>(options, what, name)) {}
SpawnedDelegate::~SpawnedDelegate() = default;
const DelegateConfig& SpawnedDelegate::config() const { return impl_->config; }

}  // namespace vbs
