// Child processes: an argument vector in, status and captured output out. There is never a shell.
//
// The child gets /dev/null as standard input, two pipes, no other descriptor, default signal handling, an environment
// of LC_ALL=C and PATH only, and a process group of its own, so that a deadline ends its children, too.
//
// Threading: any thread; blocks until the child has ended, or until deadline + term_grace + kill_grace at the latest: a
// process that hangs inside a file system cannot be killed, and must not take its caller along. Such a child is
// abandoned (its pipes are closed) and collected by a later run_process().
#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace vbs {

struct ProcessOptions {
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  std::function<bool()> cancelled;             // may be empty; asked about every 50 ms
  size_t output_limit = 1 << 20;               // bytes kept of each stream; the rest is read and dropped
  std::chrono::milliseconds term_grace{2000};  // from SIGTERM to SIGKILL
  std::chrono::milliseconds kill_grace{1000};  // from SIGKILL to giving up
  std::string package;                         // that brings the program, for the message when it is absent
};

struct ProcessResult {
  int exit_status = -1;  // 0..255, or -1 where it did not exit by itself
  int signal = 0;        // that ended it, or 0
  std::string out, err;
  bool out_truncated = false, err_truncated = false;
  bool timed_out = false, cancelled = false;
  bool abandoned = false;  // it did not even die of SIGKILL in time: whether it did its work is not known
};

// `argv[0]` is a bare name, looked up in PATH (/usr/sbin and /sbin appended), or an absolute path.
// Throws Error: not_supported if the program is absent or cannot be run here; invalid for an unusable argument vector;
// busy if the system is out of processes, memory or descriptors. An unsuccessful child is not an error.
ProcessResult run_process(const std::vector<std::string>& argv, const ProcessOptions& options = {});

// Children that were given up and have not ended yet.
size_t abandoned_processes();

}  // namespace vbs
