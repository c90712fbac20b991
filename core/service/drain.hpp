// Emptying a host or a back-end before it is repaired or given up: it takes nothing new (attachments; volumes,
// snapshots), and what it still has is listed. What is there goes on working, can be extended, detached and deleted.
//
// Threading: any. Errors: Error(forbidden) but for operators; Error(not_found) for an unknown name.
#pragma once
#include <string>
#include <vector>

#include "core/service/core.hpp"

namespace vbs {
struct LeftThere {
  std::string kind, id, name;  // attachment, volume, snapshot; of an attachment the volume's id and the VM's name
};
// What is left, up to 10,000 of each kind.
std::vector<LeftThere> drain_host(Core&, const Caller&, const std::string& name, bool drained);
std::vector<LeftThere> drain_backend(Core&, const Caller&, const std::string& name, bool drained);
bool is_drained(Core&, const std::string& kind, const std::string& id);

// The back-end for a new volume that names none: the first that is not drained.
Backend& default_backend(Core&);
}  // namespace vbs
