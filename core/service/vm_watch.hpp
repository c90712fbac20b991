// An attachment lives as long as the VM's definition. This looks, now and then, for attachments to VMs that certainly
// exist no more (destroyed transient ones, undefined ones) and ends them by the ordinary detach operation. Certainly:
// every host of the table answers, and none has a VM of that UUID. One that was migrated to a host outside of the table
// looks the same; so hosts between which VMs migrate must all be in it (docs/data-safety.md).
#pragma once
#include <optional>
#include <set>
#include <string>

#include "core/service/core.hpp"

namespace vbs {

// UUIDs of the VMs on all hosts; nullopt if one does not answer. Blocks, as the next does: not from the timer's thread.
std::optional<std::set<std::string>> vms_of_all_hosts(Core&);

void free_gone_vms(Core&);

}  // namespace vbs
