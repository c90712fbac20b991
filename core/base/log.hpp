// Logging: one line an event, to standard error, through spdlog. Lines are records of key=value pairs:
//
//   time=2026-11-21T10:00:00.123Z level=warning msg="back-end fast: no space" request=req-... operation=... step=create
//
// `logger()` may be used from any thread; what a LogScope on the same thread says is added to each line.
#pragma once
#include <spdlog/spdlog.h>

#include <array>
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
// left out. Fields with an empty value are not written. The texts must outlive it: it is formatted when a line is
// written, for most scopes never see one.
class LogScope {
 public:
  enum class Outer { keep, leave_out };
  using Field = std::pair<const char*, std::string_view>;
  LogScope(std::initializer_list<Field> fields, Outer outer = Outer::keep);  // at most kMostFields
  ~LogScope();
  LogScope(const LogScope&) = delete;
  LogScope& operator=(const LogScope&) = delete;

  void append_to(std::string& line) const;  // " key=value key=value"

 private:
  static constexpr size_t kMostFields = 5;
  std::array<Field, kMostFields> fields_{};
  const Outer outer_;
  const LogScope* const around_;  // the scope of the same thread around it
};

// `text` with control characters escaped: what comes from outside must not forge log lines (CWE-117).
std::string for_log(std::string_view text, size_t limit = 512);
// As a value of a log line: as it is where it is one plain word, else in quotes, with quotes, backslashes and control
// characters escaped.
std::string log_value(std::string_view text);
}  // namespace vbs
