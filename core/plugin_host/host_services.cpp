#include "core/plugin_host/host_services.hpp"

#include <fmt/format.h>
#include <rapidjson/pointer.h>

#include <chrono>

#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/base/log.hpp"
#include "core/base/process.hpp"
#include "core/base/utf8.hpp"
#include "core/plugin_host/call_context.hpp"
#include "vbs/plugin/plugin.hpp"

namespace vbs {
namespace {
constexpr size_t kMaxMessage = 2048;
constexpr uint64_t kMaxParams = 64;

spdlog::level::level_enum log_level(int32_t level) {
  switch (level) {
    case VBS_LOG_DEBUG:
      return spdlog::level::debug;
    case VBS_LOG_WARNING:
      return spdlog::level::warn;
    case VBS_LOG_ERROR:
      return spdlog::level::err;
    default:
      return spdlog::level::info;
  }
}

// The end of what a command said: programs put the reason last.
std::string last_words(const ProcessResult& r) {
  std::string text = r.err.find_first_not_of(" \n\t") != std::string::npos ? r.err : r.out;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  if (text.size() > 600) text = "..." + text.substr(text.size() - 600);
  return text;
}

std::string how_it_ended(const ProcessResult& r) {
  if (r.signal != 0) return fmt::format("was ended by signal {}", r.signal);
  return fmt::format("ended with status {}", r.exit_status);
}
}  // namespace

HostServices::HostServices(std::string plugin, CommandSet commands, SecretSource source,
                           std::map<std::string, std::string> own_secrets)
    : plugin_(std::move(plugin)),
      commands_(std::move(commands)),
      source_(std::move(source)),
      own_secrets_(std::move(own_secrets)) {
  for (const auto& entry : own_secrets_) hidden_.push_back(entry.second);
  table_ = {sizeof(vbs_host), 0, this, log_entry, clock_entry, json_entry, secret_entry, command_entry};
}

std::string HostServices::clean(std::string_view text) const {
  return for_log(redact(to_utf8(text.substr(0, 4 * kMaxMessage)), hidden_), kMaxMessage);
}

void HostServices::write_log(int32_t level, std::string_view prefix, std::string_view text) const {
  logger().log(log_level(level), "{}{}: {}", plugin_, prefix, clean(text));
}

std::string HostServices::last_log() const {
  const std::lock_guard lock(mutex_);
  return last_log_;
}

std::optional<std::string> HostServices::secret(const std::string& name) const {
  if (const auto own = own_secrets_.find(name); own != own_secrets_.end()) return own->second;
  return source_ ? source_(name) : std::nullopt;
}

vbs_status HostServices::run_command(vbs_call* raw, const std::string& name, const CommandValues& values,
                                     void (*take)(void*, const vbs_command_result*), void* user) const {
  plugin::Call call(raw);
  const auto pattern = commands_.find(name);
  if (pattern == commands_.end()) {
    call.fail(fmt::format("plugin {}: its manifest has no command '{}'", plugin_, for_log(name, 64)));
    return VBS_INVALID;
  }
  const auto& p = pattern->second;
  ExpandedCommand command;
  ProcessResult r;
  try {
    command = expand(p, values);
    CallContext::hide(raw, command.secrets);
    ProcessOptions options;
    const auto now = std::chrono::steady_clock::now();
    options.deadline =
        now + std::min<std::chrono::milliseconds>(p.timeout, std::chrono::milliseconds(call.remaining_ms()));
    options.cancelled = [&call] { return call.cancelled(); };
    options.package = p.package;
    if (options.deadline <= now) {
      call.fail(fmt::format("no time was left to run {}", command.shown));
      return VBS_UNKNOWN;
    }
    r = run_process(command.argv, options);
  } catch (const Error& e) {
    call.fail(fmt::format("command '{}': {}", name, e.what()));
    return e.code() == Code::not_supported ? VBS_NOT_SUPPORTED
           : e.code() == Code::invalid     ? VBS_INVALID
                                           : VBS_UNAVAILABLE;
  }
  const auto end = r.cancelled   ? std::string("was cancelled")
                   : r.timed_out ? "was still running at its deadline"
                                 : how_it_ended(r);
  logger().debug("{}: ran {}: {}", plugin_, command.shown, end);
  if (r.abandoned)
    logger().error("{}: '{}' cannot be killed; it probably hangs in a file system or device driver", plugin_,
                   command.shown);
  if (r.cancelled || r.timed_out) {
    call.fail(fmt::format("command '{}' ({}) {} and was ended", name, command.shown, end));
    // A cancelled command that does not end may still do its work.
    return r.cancelled && !r.abandoned ? VBS_CANCELLED : VBS_UNKNOWN;
  }
  const int status = r.signal != 0 ? 128 + r.signal : r.exit_status;
  const vbs_command_result result{sizeof(vbs_command_result), status, plugin::str(r.out), plugin::str(r.err)};
  if (take) take(user, &result);
  if (p.ok_exit.count(status)) return VBS_OK;
  call.fail(fmt::format("command '{}' ({}) {}: {}", name, command.shown, end, last_words(r)));
  return VBS_INTERNAL;
}

void HostServices::log_entry(const vbs_host* host, int32_t level, vbs_str text) {
  try {
    self(host).write_log(level, "", plugin::view(text));
    const std::lock_guard lock(self(host).mutex_);
    self(host).last_log_ = self(host).clean(plugin::view(text));
  } catch (...) {  // a log line is not worth an abort
  }
}

uint64_t HostServices::clock_entry(const vbs_host*) {
  using namespace std::chrono;
  return static_cast<uint64_t>(duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count());
}

vbs_status HostServices::json_entry(const vbs_host*, vbs_str json, vbs_str pointer, void (*take)(void*, vbs_str),
                                    void* user) {
  std::string value;
  try {
    const auto document = parse_json(plugin::view(json));
    const rapidjson::Pointer at(pointer.len ? pointer.ptr : "", static_cast<size_t>(pointer.len));
    if (!at.IsValid()) return VBS_INVALID;
    const auto* found = at.Get(document);
    if (!found) return VBS_NOT_FOUND;
    value = found->IsString() ? std::string(found->GetString(), found->GetStringLength()) : to_json(*found);
  } catch (...) {
    return VBS_INVALID;
  }
  take(user, plugin::str(value));
  return VBS_OK;
}

vbs_status HostServices::secret_entry(const vbs_host* host, vbs_str name, void (*take)(void*, vbs_str), void* user) {
  std::optional<std::string> value;
  try {
    value = self(host).secret(plugin::text(name));
  } catch (...) {
    return VBS_UNAVAILABLE;
  }
  if (!value) return VBS_NOT_FOUND;
  take(user, plugin::str(*value));
  return VBS_OK;
}

vbs_status HostServices::command_entry(const vbs_host* host, vbs_call* call, vbs_str name, const vbs_param* params,
                                       uint64_t n, void (*take)(void*, const vbs_command_result*), void* user) {
  if (!call) return VBS_INVALID;
  const auto refuse = [call](std::string_view why) {
    call->fail(call, plugin::str(why));
    return VBS_INVALID;
  };
  try {
    if (n > kMaxParams) return refuse(fmt::format("a command was given {} parameters; the limit is {}", n, kMaxParams));
    CommandValues values;
    for (uint64_t i = 0; i < n; ++i)
      if (!values.emplace(plugin::text(params[i].name), plugin::text(params[i].value)).second)
        return refuse("a command was given one parameter twice: " + for_log(plugin::view(params[i].name), 64));
    return self(host).run_command(call, plugin::text(name), values, take, user);
  } catch (const std::exception& e) {
    call->fail(call, plugin::str(e.what()));
  } catch (...) {
    call->fail(call, plugin::str("a command could not be run"));
  }
  return VBS_INTERNAL;
}

}  // namespace vbs
