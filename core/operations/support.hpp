// Private to core/operations: what the kinds share.
#pragma once
#include <initializer_list>
#include <string>
#include <utility>

#include "core/base/json.hpp"
#include "core/operations/operation.hpp"

namespace vbs {

// One string or number of an operation's params; the journal is ours, so a missing one is an internal error.
std::string param(const store::OperationRow&, const char* name);  // "" if absent
uint64_t param_u64(const store::OperationRow&, const char* name);
// The same for what a kind has kept in `data`.
std::string data(const store::OperationRow&, const char* name);
std::string data_with(std::initializer_list<std::pair<const char*, std::string>> members);

// What a sidecar keeps: enough to write the store's row, and its owner's, anew (core/service/rebuild.cpp reads it).
std::string facts_of(store::Session&, const store::VolumeRow&);
std::string facts_of(store::Session&, const store::SnapshotRow&);

// Error(not_found) / Error(conflict) that names the state, if `row` is not available for `what` ("attached",
// "extended").
template <class Row>
const Row& available(const std::optional<Row>& row, const std::string& id, const char* kind, const char* what) {
  if (!row) throw Error(Code::not_found, std::string("there is no ") + kind + " " + id);
  if (row->lifecycle != "available")
    throw Error(Code::conflict, std::string(kind) + " " + id + " is " + row->lifecycle +
                                    (row->error_message.empty() ? "" : " (" + row->error_message + ")") +
                                    " and cannot be " + what);
  return *row;
}

store::VolumeRow volume_of(store::Session&, const std::string& id);  // Error(internal) if gone
store::SnapshotRow snapshot_of(store::Session&, const std::string& id);

// "vm1 on node1 (rw)", for messages about who is in the way; to another project it is only "a VM of another project
// (rw)".
std::string describe(store::Session&, const store::AttachmentRow&, const std::string& to_project);

void refuse_attached(store::Session&, const std::string& volume_id, const std::string& to_project);  // Error(conflict)

// Does any VM have the volume? For operations that hold it exclusively: an attachment that is `attaching` then stands
// in the queue behind them, and nothing of it exists yet.
bool in_use(store::Session&, const std::string& volume_id);

// Forward only: removes the layers that the commit of a revert or flatten has dropped.
Step tidy_step(Backend&);

// The lock that every attach, detach and resize of one VM takes: hypervisors change one device of a VM at a time.
LockRequest vm_lock(const store::AttachmentRow&);

// One kind each, in the file of that name.
const OperationKind& create_volume_kind();
const OperationKind& delete_volume_kind();
const OperationKind& delete_snapshot_kind();
const OperationKind& create_snapshot_kind();
const OperationKind& extend_volume_kind();
const OperationKind& revert_volume_kind();
const OperationKind& flatten_volume_kind();
const OperationKind& attach_volume_kind();
const OperationKind& detach_volume_kind();
const OperationKind& move_attachment_kind();

}  // namespace vbs
