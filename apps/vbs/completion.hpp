// The bash completion, made from the commands themselves, so that it cannot lag behind them.
#pragma once
#include <CLI/CLI.hpp>

#include <string>

namespace vbs::cli {

// Arguments named VOLUME, SNAPSHOT, OPERATION and HOST are completed with `vbs completion names KIND`.
std::string bash_completion(const CLI::App& app);

}  // namespace vbs::cli
