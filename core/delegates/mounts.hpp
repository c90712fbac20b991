// Whether a path lies on a file system that can hang for ever (Lustre, NFS, FUSE ...): a process that is stuck in one
// may be unkillable. Decided by text alone, for to touch such a path is what must not happen.
#pragma once
#include <string>
#include <string_view>

namespace vbs {

// `mountinfo`: the text of /proc/self/mountinfo (proc(5)). The type of the mount that `path` lies on if that can hang,
// else empty. Symbolic links are not followed.
std::string hanging_mount(std::string_view mountinfo, const std::string& path);
// Of any absolute path among the values of a JSON object, now, on this machine.
std::string hanging_mount_in(const std::string& config);

}  // namespace vbs
