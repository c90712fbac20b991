// An attachment lives as long as the VM's definition. This looks, now and then, for attachments to VMs that their host
// certainly does not have any more (destroyed transient ones, undefined ones) and ends them by the ordinary detach
// operation.
#pragma once
#include "core/service/core.hpp"

namespace vbs {

// One look at every host that has attachments; a host that does not answer is left alone. Blocks: not from the timer's
// thread.
void free_gone_vms(Core&);

}  // namespace vbs
