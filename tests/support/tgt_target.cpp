#include "tests/support/tgt_target.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace vbs::test {
namespace {

struct Run {
  int status;
  std::string text;
};

Run run(const std::string& command) {
  std::string text;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  std::array<char, 4096> part;
  for (size_t n; (n = fread(part.data(), 1, part.size(), pipe)) > 0;) text.append(part.data(), n);
  const int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128, text};
}

// The numbers keep several test programs apart: tgtd's control socket and its port.
class Daemon {
 public:
  Daemon() : number_(1000 + getpid() % 30000), port_(20000 + getpid() % 20000) {
    if (run("command -v tgtd").status != 0) {
      missing_ = "tgtd is not installed: apt-get install tgt";
      return;
    }
    const auto control = std::to_string(number_), portal = "portal=" + this->portal();
    pid_ = fork();
    if (pid_ == 0) {
      (void)!freopen("/dev/null", "w", stdout);
      (void)!freopen("/dev/null", "w", stderr);
      execlp("tgtd", "tgtd", "-f", "-C", control.c_str(), "--iscsi", portal.c_str(), nullptr);
      _exit(127);
    }
    for (int i = 0; i < 100; ++i) {
      if (admin("--mode system --op show").status == 0) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    missing_ = "tgtd does not start: run 'tgtd -f -d 1' to see why";
  }
  ~Daemon() {
    if (pid_ <= 0) return;
    admin("--mode system --op delete");
    for (int i = 0; i < 60 && waitpid(pid_, nullptr, WNOHANG) == 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    if (kill(pid_, 0) == 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }
  Run admin(const std::string& arguments) const {
    return run("tgtadm -C " + std::to_string(number_) + " --lld iscsi " + arguments);
  }
  std::string portal() const { return "127.0.0.1:" + std::to_string(port_); }
  const std::string& missing() const { return missing_; }
  int next_tid() { return ++tid_; }

 private:
  const int number_, port_;
  pid_t pid_ = 0;
  int tid_ = 0;
  std::string missing_;
};

Daemon& daemon() {
  static Daemon it;
  return it;
}

void admin(const std::string& arguments) {
  const auto done = daemon().admin(arguments);
  EXPECT_EQ(done.status, 0) << arguments << ": " << done.text;
}
}  // namespace

std::string TgtTarget::missing() { return daemon().missing(); }

TgtTarget::TgtTarget(const std::string& serial, const std::string& initiator, unsigned mib, bool read_only)
    : portal(daemon().portal()), tid(daemon().next_tid()) {
  const auto id = std::to_string(tid);
  iqn = "iqn.2026-01.org.example.vbs:" + id;
  file = (std::filesystem::temp_directory_path() / ("vbs-tgt-" + std::to_string(getpid()) + "-" + id)).string();
  std::filesystem::remove(file);
  EXPECT_EQ(run("truncate -s " + std::to_string(mib) + "M " + file).status, 0);
  admin("--mode target --op new --tid " + id + " -T " + iqn);
  admin("--mode logicalunit --op new --tid " + id + " --lun 1 -b " + file);
  admin("--mode logicalunit --op update --tid " + id + " --lun 1 --params scsi_sn=" + serial +
        (read_only ? ",readonly=1" : ""));
  if (tid == 1) admin("--mode account --op new --user " + user + " --password " + secret);
  admin("--mode account --op bind --tid " + id + " --user " + user);
  admin("--mode target --op bind --tid " + id + " --initiator-name " + initiator);
}

TgtTarget::~TgtTarget() {
  daemon().admin("--mode target --op delete --force --tid " + std::to_string(tid));
  std::filesystem::remove(file);
}

std::string TgtTarget::data() const {
  return R"({"iqn":")" + iqn + R"(","portals":[")" + portal + R"("],"lun":1,"user":")" + user + R"("})";
}
}  // namespace vbs::test
