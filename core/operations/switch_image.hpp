// Private to core/operations: a volume goes over to a new active file under the guest that writes to it. For operations
// that hold the volume and the guest's VM exclusively.
//
// Three kinds of steps, in this order: `prepare` (the back-end makes the file; undoable), `switch-VM` (the hypervisor
// goes over to it; decisive), and one of the operation's own, forward only, that has the back-end and the store record
// it.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/operations/operation.hpp"

namespace vbs {
// `prepare` answers the volume as it will be, or throws. What it answered is kept in the operation's data. The first
// step's undo is the caller's to set.
std::vector<Step> switch_steps(store::Session&, Registry&, Backend&, const std::string& volume_id,
                               std::function<StorageChange(const StepContext&, Backend&)> prepare);

// Runs `record` and answers the commit of what it changed, and of the exports that show another file now. Throws only
// errors that are waited out: the guest's data is in the new file, so this must succeed in the end.
Commit record_switch(const StepContext&, Backend&, const std::string& volume_id,
                     const std::function<StorageChange()>& record);
}  // namespace vbs
