// The whole command line as a function, so that tests run it without a process.
#pragma once
#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "apps/vbs/context.hpp"

namespace vbs::cli {

// All commands on `app`; `context` must outlive it.
void build(CLI::App& app, Context& context);

// Runs `arguments` (without the program's name) and returns the exit code; errors go to console.err.
int run(std::vector<std::string> arguments, Console console, Environment environment, TransportFactory transport);

}  // namespace vbs::cli
