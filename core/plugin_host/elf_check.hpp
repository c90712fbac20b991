// Is this a whole shared library of this machine? Asked before dlopen, which dies of SIGBUS on a truncated one.
#pragma once
#include <string>

namespace vbs {
// Throws Error(invalid) with the reason. Reads headers only; the file need not be trusted for that.
void check_shared_library(const std::string& path);
}  // namespace vbs
