// What the service's refusals and a failed connection mean for whoever typed the command: exit code, words, next step.
#pragma once
#include <string>

#include "apps/vbs/failure.hpp"
#include "apps/vbs/settings.hpp"
#include "core/base/error.hpp"

namespace vbs::cli {

Failure connection_failure(const Error& error, const std::string& method, const Settings& settings);
Failure refusal(int status, const Error& error, const std::string& target, const Settings& settings);

}  // namespace vbs::cli
