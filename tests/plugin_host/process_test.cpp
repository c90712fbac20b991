// Child processes: what they get, what they give, and how they end.
#include "core/base/process.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <thread>

#include "core/base/error.hpp"

namespace vbs {
namespace {
using std::chrono::milliseconds;
using testing::HasSubstr;
using Clock = std::chrono::steady_clock;

ProcessOptions within(int ms) {
  ProcessOptions o;
  o.deadline = Clock::now() + milliseconds(ms);
  return o;
}
// The child is a shell here only to be something that misbehaves.
ProcessResult shell(const std::string& script, const ProcessOptions& options = {}) {
  return run_process({"/bin/sh", "-c", script}, options);
}

bool gone(pid_t pid) {
  for (int i = 0; i < 100 && kill(pid, 0) == 0; ++i) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string number, name, state;
    if (stat >> number >> name >> state && state == "Z") return true;  // ended; whoever adopted it has yet to reap it
    std::this_thread::sleep_for(milliseconds(10));
  }
  return kill(pid, 0) != 0;
}

TEST(Process, gives_status_and_output) {
  const auto r = shell("echo out; echo err >&2; exit 3");
  EXPECT_EQ(r.exit_status, 3);
  EXPECT_EQ(r.signal, 0);
  EXPECT_EQ(r.out, "out\n");
  EXPECT_EQ(r.err, "err\n");
  EXPECT_FALSE(r.timed_out || r.out_truncated || r.err_truncated || r.abandoned);
}

TEST(Process, tells_the_signal_that_ended_it) {
  const auto r = shell("kill -9 $$");
  EXPECT_EQ(r.signal, SIGKILL);
  EXPECT_EQ(r.exit_status, -1);
}

TEST(Process, passes_arguments_unharmed) {
  const auto r = run_process({"printf", "%s\n", "a b", "; reboot", "$(id)", "`id`", "'\"\\", "new\nline", "*", ""});
  EXPECT_EQ(r.out, "a b\n; reboot\n$(id)\n`id`\n'\"\\\nnew\nline\n*\n\n");
}

TEST(Process, keeps_output_up_to_its_limit_and_reads_on) {
  ProcessOptions o;
  o.output_limit = 1000;
  const auto r = shell("head -c 3000000 /dev/zero; head -c 500 /dev/zero >&2", o);
  EXPECT_EQ(r.exit_status, 0);
  EXPECT_EQ(r.out.size(), 1000u);
  EXPECT_TRUE(r.out_truncated);
  EXPECT_EQ(r.err.size(), 500u);
  EXPECT_FALSE(r.err_truncated);
}

TEST(Process, closes_every_descriptor_above_the_standard_ones) {
  const int leak = open("/dev/null", O_RDONLY);  // on purpose without O_CLOEXEC
  const int high = fcntl(leak, F_DUPFD, 500);
  const auto r = run_process({"ls", "/proc/self/fd"});
  EXPECT_EQ(r.out, "0\n1\n2\n3\n");  // 3 is ls's own, on the directory
  close(leak);
  close(high);
}

TEST(Process, gets_an_environment_of_two_variables_and_an_empty_input) {
  setenv("VBS_TEST_SECRET", "x", 1);
  const auto r = run_process({"env"});
  EXPECT_THAT(r.out, HasSubstr("LC_ALL=C\nPATH="));
  EXPECT_EQ(std::count(r.out.begin(), r.out.end(), '\n'), 2);
  EXPECT_EQ(run_process({"cat"}, within(5000)).out, "");
}

TEST(Process, starts_with_default_signals_although_the_service_blocks_and_ignores_them) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const auto old = signal(SIGPIPE, SIG_IGN);
  const auto r = run_process({"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"});
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  signal(SIGPIPE, old);
  // The upper half of SigIgn is glibc's: it keeps two real-time signals (32, 33) to itself.
  EXPECT_THAT(r.out, HasSubstr("SigBlk:\t0000000000000000\n"));
  EXPECT_THAT(r.out, testing::ContainsRegex("SigIgn:\t0000000[0-9]80000000\n|SigIgn:\t0000000000000000\n"));
}

TEST(Process, ends_the_whole_group_at_the_deadline) {
  const auto start = Clock::now();
  const auto r = shell("sleep 60 & echo $!; sleep 60", within(200));
  EXPECT_TRUE(r.timed_out);
  EXPECT_LT(Clock::now() - start, milliseconds(1900));
  EXPECT_TRUE(gone(std::stoi(r.out)));
}

TEST(Process, kills_what_ignores_the_request_to_end) {
  auto o = within(200);
  o.term_grace = milliseconds(200);
  const auto r = shell("trap '' TERM; (trap '' TERM; exec sleep 60) & echo $!; while :; do sleep 0.05; done", o);
  EXPECT_TRUE(r.timed_out);
  EXPECT_EQ(r.signal, SIGKILL);
  EXPECT_TRUE(gone(std::stoi(r.out)));
}

TEST(Process, gives_children_of_a_quick_leader_their_time_to_tidy_up) {
  const auto r =
      shell("(trap 'sleep 0.2; echo tidy; exit' TERM; echo up; while :; do sleep 0.05; done) & wait", within(300));
  EXPECT_TRUE(r.timed_out);
  EXPECT_EQ(r.out, "up\ntidy\n");
}

TEST(Process, does_not_wait_for_a_daemon_that_it_left_behind) {
  const auto start = Clock::now();
  const auto r = shell("sleep 5 & echo $!", within(4000));
  EXPECT_EQ(r.exit_status, 0);
  EXPECT_LT(Clock::now() - start, milliseconds(1500));
  kill(std::stoi(r.out), SIGKILL);
}

TEST(Process, ends_on_cancellation) {
  std::atomic<bool> cancel{false};
  std::thread canceller([&] {
    std::this_thread::sleep_for(milliseconds(100));
    cancel = true;
  });
  ProcessOptions o;
  o.cancelled = [&] { return cancel.load(); };
  const auto r = run_process({"sleep", "60"}, o);
  canceller.join();
  EXPECT_TRUE(r.cancelled);
  EXPECT_FALSE(r.timed_out);
}

TEST(Process, gives_up_on_a_child_that_does_not_die_and_collects_it_later) {
  auto o = within(50);
  o.term_grace = o.kill_grace = milliseconds(0);  // no time to die: as if it hung in a file system
  size_t abandoned = 0;
  for (int i = 0; i < 20 && abandoned == 0; ++i) {
    const auto r = shell("trap '' TERM; while :; do :; done", o);
    EXPECT_TRUE(r.timed_out);
    abandoned += r.abandoned;
  }
  EXPECT_GT(abandoned, 0u);
  for (int i = 0; i < 200 && abandoned_processes() != 0; ++i) std::this_thread::sleep_for(milliseconds(10));
  EXPECT_EQ(abandoned_processes(), 0u);
}

TEST(Process, names_an_absent_program_and_what_to_install) {
  ProcessOptions o;
  o.package = "lustre-client-utils";
  try {
    run_process({"vbs-no-such-program"}, o);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::not_supported);
    EXPECT_THAT(e.what(), HasSubstr("program 'vbs-no-such-program' is not installed"));
    EXPECT_THAT(e.what(), HasSubstr("install the package lustre-client-utils"));
  }
  EXPECT_THROW(run_process({"/etc/passwd"}), Error);
  EXPECT_THROW(run_process({"./ls"}), Error);
  EXPECT_THROW(run_process({}), Error);
  EXPECT_THROW(run_process({"ls", std::string("a\0b", 3)}), Error);
}

TEST(Process, refuses_more_arguments_than_the_system_takes) {
  try {
    run_process({"true", std::string(4 << 20, 'x')});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::invalid);
  }
}

TEST(Process, runs_from_many_threads_at_once_without_mixing_outputs) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        const std::string word = std::to_string(t) + "-" + std::to_string(i);
        const auto r = run_process({"printf", "%s", word});
        if (r.exit_status != 0 || r.out != word) ++wrong;
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}
}  // namespace
}  // namespace vbs
