// Services of the host that a manifest may ask for (`needs`), started once, before the first plugin that needs them
// opens: a plugin must not run event loops of its own.
#pragma once
#include <string>
#include <vector>

namespace vbs {
void check_needs(const std::vector<std::string>& needs);  // throws Error(invalid) for one that this VBS does not know
void start_needs(const std::vector<std::string>& needs);  // throws Error(not_supported) if one cannot be started
}  // namespace vbs
