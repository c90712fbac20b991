// SPDX-License-Identifier: MIT
//
// What the core must never do, whatever goes wrong around it; the storage and the hypervisor ask here before they act.
// A breach is an internal error of that call and, since faults may hide that, a line in the log of calls that a test
// looks for.
#pragma once
#include <optional>
#include <string>

#include "records.hpp"

namespace vbs::faulty {

// Each answers what is wrong, or nothing.
std::optional<std::string> may_remove(const State& s, const std::string& id);
std::optional<std::string> may_unexport(const State& s, const Export& e, const std::string& vm_prefix);
std::optional<std::string> may_plug(const State& s, const Plug& p);

}  // namespace vbs::faulty
