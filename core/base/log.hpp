// Logging: one line an event, to standard error, through spdlog. Lines are records of key=value pairs:
//
//   time=2026-11-21T10:00:00.123Z level=warning msg="back-end fast: no space" request=req-... operation=... step=create
//
// `logger()` may be used from any thread; what a LogScope on the same thread says is added to each line.
#pragma once
#include <spdlog/spdlog.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace vbs {
spdlog::logger& logger();
std::unique_ptr<spdlog::formatter> log_formatter();  // of those lines
void check_log_level(const std::string& level);      // throws Error(invalid)
void set_log_level(const std::string& level);        // debug | info | warning | error; throws Error(invalid)

// While it lives, the lines of its thread carry these fields, after those of the scopes around it unless they are to be
// left out. Fields with an empty value are not written.
class LogScope {
 public:
  enum class Outer { keep, leave_out };
  LogScope(std::initializer_list<std::pair<const char*, std::string_view>> fields, Outer outer = Outer::keep);
  ~LogScope();
  LogScope(const LogScope&) = delete;
  LogScope& operator=(const LogScope&) = delete;

 private:
  std::string before_;  // the thread's fields around it
};

// `text` with control characters escaped: what comes from outside must not forge log lines (CWE-117).
std::string for_log(std::string_view text, size_t limit = 512);
// As a value of a log line: as it is where it is one plain word, else in quotes, with quotes, backslashes and control
// characters escaped.
std::string log_value(std::string_view text);
}  // namespace vbs
