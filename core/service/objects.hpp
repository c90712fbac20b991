// Private to core/service: finding objects with the right to them, and small changes of rows.
#pragma once
#include "core/service/volumes.hpp"

namespace vbs {
// Error(not_found) also for what the caller may not know of.
VolumeView require_volume(Core&, const Caller&, Action, const std::string& id);
store::SnapshotRow require_snapshot(Core&, const Caller&, Action, const std::string& id);

// A grantee sees its own attachments of a shared volume, not those of others.
bool may_see(const Principal&, const store::VolumeRow&, const store::AttachmentRow&);

void apply_changes(store::ObjectRow&, const Changes&);
void record(store::Tx&, const Caller&, const char* action, const char* object_kind, const std::string& object_id,
            const std::string& detail = {});
}  // namespace vbs
