#include "core/base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <memory>

#include "core/base/clock.hpp"
#include "core/base/error.hpp"

namespace vbs {
namespace {
thread_local const LogScope* innermost = nullptr;  // of this thread's scopes

void append(spdlog::memory_buf_t& to, std::string_view text) { to.append(text.data(), text.data() + text.size()); }

void append_quoted(spdlog::memory_buf_t& to, std::string_view text) {
  to.push_back('"');
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') to.push_back('\\');
    if (c == '\n')
      append(to, "\\n");
    else if (u < 0x20 || u == 0x7f)
      fmt::format_to(fmt::appender(to), "\\x{:02x}", u);
    else
      to.push_back(c);
  }
  to.push_back('"');
}

bool is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         std::string_view("-_.:/@+").find(c) != std::string_view::npos;
}

class Record : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& m, spdlog::memory_buf_t& to) override {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(m.time.time_since_epoch()).count();
    auto time = rfc3339(us);
    time.replace(time.size() - 4, 4, "Z");  // milliseconds
    append(to, "time=");
    append(to, time);
    append(to, " level=");
    append(to, {spdlog::level::to_string_view(m.level).data(), spdlog::level::to_string_view(m.level).size()});
    append(to, " msg=");
    append_quoted(to, {m.payload.data(), m.payload.size()});
    if (innermost) {
      std::string fields;
      innermost->append_to(fields);
      append(to, fields);
    }
    to.push_back('\n');
  }
  std::unique_ptr<formatter> clone() const override { return std::make_unique<Record>(); }
};
}  // namespace

std::unique_ptr<spdlog::formatter> log_formatter() { return std::make_unique<Record>(); }

LogScope::LogScope(std::initializer_list<Field> fields, Outer outer) : outer_(outer), around_(innermost) {
  assert(fields.size() <= kMostFields);
  std::copy(fields.begin(), fields.end(), fields_.begin());
  innermost = this;
}

LogScope::~LogScope() { innermost = around_; }

void LogScope::append_to(std::string& line) const {
  if (around_ && outer_ == Outer::keep) around_->append_to(line);
  for (const auto& [key, value] : fields_)
    if (!value.empty()) line.append(" ").append(key).append("=").append(log_value(value));
}

std::string log_value(std::string_view text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return std::string(text);
  spdlog::memory_buf_t out;
  append_quoted(out, text);
  return {out.data(), out.size()};
}

spdlog::logger& logger() {
  static auto instance = [] {
    auto l = spdlog::stderr_logger_mt("vbs");
    l->set_formatter(log_formatter());
    l->flush_on(spdlog::level::info);
    return l;
  }();
  return *instance;
}
void check_log_level(const std::string& level) {
  if (level != "debug" && level != "info" && level != "warning" && level != "error")
    throw Error(Code::invalid, "log level '" + for_log(level) + "': use debug, info, warning or error", "log.level");
}

void set_log_level(const std::string& level) {
  check_log_level(level);
  logger().set_level(spdlog::level::from_str(level));
}
std::string for_log(std::string_view text, size_t limit) {
  std::string out;
  for (const char c : text.substr(0, limit)) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 0x20 || u == 0x7f)
      out += fmt::format("\\x{:02x}", u);
    else
      out += c;
  }
  if (text.size() > limit) out += "...";
  return out;
}
}  // namespace vbs
