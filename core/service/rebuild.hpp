// A new store out of what lies on the back-ends, for when vbs.db is lost and there is no backup: volumes, snapshots,
// layers, and their owners, from the sidecars that each back-end's list() hands out; attachments from the hypervisors,
// where a disk's serial is the id of a volume.
//
// Not in sidecars, and so lost: grants, owners of VMs, idempotency keys, the audit trail, changes of name, comment and
// metadata after the creation.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/plugin_host/plugin_source.hpp"
#include "core/service/config.hpp"

namespace vbs {

struct RebuildReport {
  uint64_t volumes = 0, snapshots = 0, attachments = 0, users = 0;
  std::vector<std::string> notes;  // what a person has to look at
};

// Writes DATA_DIR/vbs.db, which must not exist. All or nothing: a back-end that is left out would lose its volumes from
// view, and a hypervisor that is left out would show volumes as free that a VM writes to; so each one that is
// configured must answer, and Error(unavailable) names the one that does not. No service may run on the same back-ends.
// Waits for plugin calls.
RebuildReport rebuild_store(const Config& config, PluginSource& plugins);

}  // namespace vbs
