// The rows of the store as plain structs, and the functions that read and change them. Reading functions take any
// Session; changing ones take a Tx, so that only the writer's thread can call them. Each .cpp of this directory holds
// one table.
#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/plugin_host/storage_backend.hpp"
#include "core/store/writer.hpp"

namespace vbs::store {

// What lists have in common. Empty fields do not restrict.
struct Filter {
  std::string project_id;  // empty: every project
  std::string granted_to;  // user id: volumes granted to that user count as well
  std::vector<std::string> ids;
  std::string name, lifecycle, volume_id, host_id, vm;  // vm: name or UUID
  long long after_seq = 0;                              // paging
  size_t limit = 1000;
};

struct ObjectRow {  // what volumes and snapshots share
  long long seq = 0;
  std::string id, project_id, user_id, backend_id, name, comment, metadata = "{}";
  long long size_bytes = 0;
  std::string lifecycle, format, refs, layer, error_code, error_message, operation_id;
  long long created_at = 0, updated_at = 0;
};

struct VolumeRow : ObjectRow {
  std::string snapshot_id, source_volume_id;
};

struct SnapshotRow : ObjectRow {
  std::string volume_id;
};

struct ExportRow {
  std::string id, volume_id, host_id, initiator, mode, secret, kind, format, data, refs, state;
  long long created_at = 0;
};

struct AttachmentRow {
  std::string id, volume_id, project_id, user_id, host_id, vm_uuid, vm_name, mode, state, device, export_id, error_code,
      error_message, operation_id;
  long long created_at = 0, updated_at = 0;
};

struct OperationRow {
  long long seq = 0;
  std::string id, kind, state, project_id, user_id, subject, object_kind, object_id, params = "{}", data = "{}";
  long long step = 0;
  std::string step_name;
  long long undoing = 0, attempt = 1, cancel_requested = 0;
  std::string waits_for, error_code, error_message, request_id;
  long long created_at = 0, updated_at = 0;
};

struct UserRow {
  std::string id, source, issuer, subject, project_id;
  long long created_at = 0;
};

struct HostRow {
  std::string id, name, aliases = "[]", hypervisor, initiator;
};

struct BackendRow {
  std::string id, name, plugin;
};

struct GrantRow {
  std::string user_id, subject;
  long long created_at = 0;
};

// volumes.cpp
std::optional<VolumeRow> find_volume(Session&, const std::string& id);
std::vector<VolumeRow> list_volumes(Session&, const Filter&);
void insert_volume(Tx&, const VolumeRow&);
void update_volume(Tx&, const VolumeRow&);  // everything but identity and ownership; sets updated_at
void delete_volume(Tx&, const std::string& id);
long long promised_bytes(Session&, const std::string& backend_id);
std::vector<GrantRow> list_grants(Session&, const std::string& volume_id);
bool has_grant(Session&, const std::string& volume_id, const std::string& user_id);
void insert_grant(Tx&, const std::string& volume_id, const std::string& user_id);
void delete_grant(Tx&, const std::string& volume_id, const std::string& user_id);

// Ends what an operation did to a volume or snapshot: its lifecycle, why (for `failed`), and no operation runs on it
// any more.
void set_lifecycle(Tx&, ObjectKind, const std::string& id, const std::string& lifecycle,
                   const std::string& error_code = {}, const std::string& error_message = {});
void set_operation(Tx&, ObjectKind, const std::string& id, const std::string& operation_id);  // "": none

// snapshots.cpp
std::optional<SnapshotRow> find_snapshot(Session&, const std::string& id);
std::vector<SnapshotRow> list_snapshots(Session&, const Filter&);
void insert_snapshot(Tx&, const SnapshotRow&);
void update_snapshot(Tx&, const SnapshotRow&);
void delete_snapshot(Tx&, const std::string& id);

// attachments.cpp
std::optional<AttachmentRow> find_attachment(Session&, const std::string& id);
std::vector<AttachmentRow> list_attachments(Session&, const Filter&);  // ids: of volumes
std::vector<AttachmentRow> attachments_of(Session&, const std::string& volume_id);
void insert_attachment(Tx&, const AttachmentRow&);
void update_attachment(Tx&, const AttachmentRow&);
void delete_attachment(Tx&, const std::string& id);
std::optional<ExportRow> find_export(Session&, const std::string& volume_id, const std::string& host_id);
std::vector<ExportRow> unused_exports(Session&);  // no attachment refers to them
void put_export(Tx&, const ExportRow&);           // insert or replace
void delete_export(Tx&, const std::string& id);
void delete_planned_export(Tx&, const std::string& id);                              // not one that is made
// Those that are made.
std::vector<ExportRow> exports_of_backend(Session&, const std::string& backend_id);
std::vector<ExportRow> exports_of_host(Session&, const std::string& host_id);

// layers.cpp
// Commits what a storage call did: new layers, and refs, size, format and top layer of each object named.
void apply(Tx&, const std::string& backend_id, const StorageChange&);
// Takes an object off its layers and marks those that nobody uses any more as dropped by it. They count as gone at
// once, so that of two objects that go at the same time one takes the shared layer along.
void drop_layers(Tx&, const ObjectRow&);
void drop_unused_layers(Tx&, const ObjectRow& before);  // of an object that stands elsewhere by now
std::string parent_of_layer(Session&, const std::string& backend_id, const std::string& name);  // "": none
// How many layers lie under that one.
long long layers_under(Session&, const std::string& backend_id, const std::string& name);
// Volumes that are available, have no operation, and rest on more than `limit` layers.
std::vector<std::string> long_chains(Session&, long long limit);
std::vector<std::string> dropped_layers(Session&, const std::string& object_id);  // top first
void forget_layers(Tx&, const std::string& object_id);                            // when they are removed

// operations.cpp
std::optional<OperationRow> find_operation(Session&, const std::string& id);
std::vector<OperationRow> live_operations(Session&);  // not done, not failed; oldest first
struct OperationFilter {
  std::string project_id, state, object_id;
  size_t limit = 100;
};
std::vector<OperationRow> list_operations(Session&, const OperationFilter&);  // newest first
// Objects on which an operation runs or has run since then: its object, and the volume_id and source_id among its
// params.
std::set<std::string> touched_since(Session&, long long since_us);
void insert_operation(Tx&, OperationRow&);        // fills seq
void update_operation(Tx&, const OperationRow&);  // all but cancel_requested
void request_cancel(Tx&, const std::string& id);
void forget_operations(Tx&, long long ended_before_us);
void record_event(Tx&, const OperationRow&, const std::string& outcome, const std::string& detail = {});
void record_event(Tx&, const UserRow& who, const std::string& action, const std::string& object_kind,
                  const std::string& object_id, const std::string& request_id, const std::string& detail = {});

struct IdempotencyRow {
  std::string user_id, token, request_hash, object_id, operation_id;
};
std::optional<IdempotencyRow> find_idempotency(Session&, const std::string& user_id, const std::string& token);
std::vector<IdempotencyRow> idempotency_family(Session&, const std::string& user_id,
                                               const std::string& token);  // token/...
void insert_idempotency(Tx&, const IdempotencyRow&);
void expire_idempotency(Tx&, long long before_us);

// users.cpp
std::optional<UserRow> find_user(Session&, const std::string& id);
std::optional<UserRow> find_user(Session&, const std::string& source, const std::string& issuer,
                                 const std::string& subject);
std::vector<UserRow> list_users(Session&);
void insert_user(Tx&, const UserRow&);  // and the project; only into a new store
UserRow ensure_user(Tx&, const std::string& source, const std::string& issuer, const std::string& subject);

// inventory.cpp
std::vector<HostRow> list_hosts(Session&);
std::vector<BackendRow> list_backends(Session&);
HostRow ensure_host(Tx&, HostRow wanted);                        // by name; keeps the id
std::string host_name(Session&, const std::string& host_id);
std::string initiator_of(Session&, const std::string& host_id);  // "": none
BackendRow ensure_backend(Tx&, BackendRow wanted);               // by name; Error(invalid) if its plugin changed
void insert_backend(Tx&, const BackendRow&);                   // with the id that its marker has: only into a new store
// Of hosts ("host") and back-ends ("back-end"), by id.
void set_drained(Tx&, const std::string& kind, const std::string& id, bool drained);
bool is_drained(Session&, const std::string& kind, const std::string& id);
struct NamedObject {
  std::string kind, id, name;  // volume, snapshot
};
std::vector<NamedObject> objects_of(Session&, const std::string& backend_id, size_t limit);  // in the order of creation
void refuse_drained(Session&, const std::string& kind, const std::string& id, const std::string& name);  // Error(conflict)

std::string json_list(const std::vector<std::string>& items);  // as HostRow::aliases has them
std::optional<std::string> vm_owner(Session&, const std::string& host_id, const std::string& vm_uuid);
std::vector<std::pair<std::string, std::string>> vm_owners(Session&, const std::string& host_id);  // vm_uuid, user_id
void set_vm_owner(Tx&, const std::string& host_id, const std::string& vm_uuid, const std::string& user_id);  // "": none

}  // namespace vbs::store
