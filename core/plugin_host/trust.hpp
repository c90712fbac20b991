// Whose code is it? Loading a plugin gives its author everything that the service has, so what others could have
// written or exchanged is refused.
#pragma once
#include <sys/types.h>

#include <string>

namespace vbs {

// A plugin directory, or a regular file in it: owned by root or `uid`, not writable by group or others, no symbolic
// link. Throws Error(invalid) with one line that says how to put it right.
void check_trusted_directory(const std::string& path, uid_t uid);
void check_trusted_file(const std::string& path, uid_t uid);

}  // namespace vbs
