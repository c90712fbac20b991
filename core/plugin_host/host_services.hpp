// The vbs_host that a plugin gets: log, clock, JSON getter, secrets, command patterns (include/vbs/plugin/abi.h).
//
// Ownership: lives as long as the plugin, that is until the process ends: a plugin may keep the pointer.
// Threading: every service from any thread. Nothing thrown crosses the C line.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/plugin_host/command_pattern.hpp"
#include "vbs/plugin/abi.h"

namespace vbs {

class HostServices {
 public:
  using SecretSource = std::function<std::optional<std::string>(const std::string& name)>;
  // `own_secrets`: secret keys of one instance's configuration; they go before `source`, which may be empty.
  HostServices(std::string plugin, CommandSet commands, SecretSource source,
               std::map<std::string, std::string> own_secrets);
  HostServices(const HostServices&) = delete;
  HostServices& operator=(const HostServices&) = delete;

  const vbs_host* table() const { return &table_; }
  const std::string& plugin() const { return plugin_; }
  // What a plugin said, fit for logs and messages: UTF-8, control characters escaped, own secrets redacted, bounded.
  std::string clean(std::string_view text) const;
  // What the plugin logged last outside of a call: its entry says so why it answers NULL.
  std::string last_log() const;
  void write_log(int32_t level, std::string_view prefix, std::string_view text) const;

 private:
  std::optional<std::string> secret(const std::string& name) const;
  vbs_status run_command(vbs_call* call, const std::string& name, const CommandValues& values,
                         void (*take)(void*, const vbs_command_result*), void* user) const;
  static const HostServices& self(const vbs_host* host) { return *static_cast<const HostServices*>(host->host_data); }
  static void log_entry(const vbs_host*, int32_t level, vbs_str text);
  static uint64_t clock_entry(const vbs_host*);
  static vbs_status json_entry(const vbs_host*, vbs_str json, vbs_str pointer, void (*take)(void*, vbs_str),
                               void* user);
  static vbs_status secret_entry(const vbs_host*, vbs_str name, void (*take)(void*, vbs_str), void* user);
  static vbs_status command_entry(const vbs_host*, vbs_call*, vbs_str name, const vbs_param*, uint64_t n,
                                  void (*take)(void*, const vbs_command_result*), void* user);

  const std::string plugin_;
  const CommandSet commands_;
  const SecretSource source_;
  const std::map<std::string, std::string> own_secrets_;
  std::vector<std::string> hidden_;  // values of own_secrets_
  vbs_host table_{};
  mutable std::mutex mutex_;
  mutable std::string last_log_;
};

}  // namespace vbs
