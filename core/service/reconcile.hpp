// Compares the store with what back-ends and hypervisors really have. With repair, mends what can be mended without
// risk to data: left-overs of attempts that were never published, disks of ours in a VM without an attachment, exports
// that nobody uses. What might be the only copy of something is reported and never touched; a back-end that does not
// answer is not repaired at all.
//
// Objects on which an operation runs are left out: they are in motion.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/service/core.hpp"

namespace vbs {

struct Finding {
  std::string what, where, object_id, detail, repair;
  bool repaired = false;
};

struct ReconcileReport {
  std::map<std::string, uint64_t> checked;  // "volumes", "snapshots", "attachments", "back-ends", "hosts"
  std::vector<Finding> findings;
  std::vector<std::string> unreachable;  // back-ends and hosts that did not answer, with the reason
};

ReconcileReport reconcile(Core&, const Caller&, bool repair);  // operators only

}  // namespace vbs
