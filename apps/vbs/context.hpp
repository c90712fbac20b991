// What a command gets: the global options, where to print, and the service. One per run; main thread only.
#pragma once
#include <CLI/CLI.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include "apps/vbs/failure.hpp"
#include "apps/vbs/session.hpp"
#include "apps/vbs/settings.hpp"

namespace vbs::cli {

struct Console {
  std::ostream& out;  // what was asked for, nothing else
  std::ostream& err;  // progress, notes, errors
  bool err_is_terminal = false;
};

class Context {
 public:
  Context(Console console_, Environment environment, TransportFactory transport)
      : console(console_), environment_(std::move(environment)), transport_(std::move(transport)) {}

  Console console;
  ConnectionFlags connection;
  bool json = false;
  bool no_wait = false;
  uint64_t timeout_seconds = 0;  // of waiting; 0: for ever
  std::function<void()> action;  // of the chosen command; run after the whole command line was read
  Exit exit = Exit::ok;          // for commands whose answer is also their exit code

  Settings settings() const { return load_settings(connection, environment_); }
  Session& session(bool certificate_needed = true);  // connects at the first request

 private:
  Environment environment_;
  TransportFactory transport_;
  std::unique_ptr<Session> session_;
};

// A subcommand with its examples below the help. `action` runs once the command line was found good.
CLI::App* add_command(CLI::App& parent, Context& context, const std::string& name, const std::string& summary,
                      const std::string& examples, std::function<void(Context&)> action);

}  // namespace vbs::cli
