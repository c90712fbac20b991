#include "core/store/database.hpp"

// The whole schema. Rules: no NULLs ('' and 0 stand for absent); times are microseconds since 1970 UTC; 64-bit numbers
// are bigint (SOCI reads them as long long on every engine); ids are UUIDv4 and never used again; `seq` gives the order
// of creation for paging. Each index is a page more to write in the commits of an operation, so there is none that no
// query of ours needs. What later issues fill (quotas, leases of delegates, types) is here from the start, so that a
// store made today is a store that they can open.
namespace vbs::store {

const char* const kMigrations[] = {R"sql(
CREATE TABLE projects (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, source TEXT NOT NULL, created_at BIGINT NOT NULL) WITHOUT ROWID;

-- A user's key is (source, issuer, subject): equal text from two sources is two users.
CREATE TABLE users (
  id TEXT PRIMARY KEY, source TEXT NOT NULL, issuer TEXT NOT NULL, subject TEXT NOT NULL,
  project_id TEXT NOT NULL REFERENCES projects(id), created_at BIGINT NOT NULL,
  UNIQUE (source, issuer, subject)) WITHOUT ROWID;

CREATE TABLE hosts (
  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, aliases TEXT NOT NULL DEFAULT '[]', hypervisor TEXT NOT NULL DEFAULT '',
  initiator TEXT NOT NULL DEFAULT '', ips TEXT NOT NULL DEFAULT '[]', boot_id TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL) WITHOUT ROWID;

CREATE TABLE vm_owners (
  host_id TEXT NOT NULL REFERENCES hosts(id), vm_uuid TEXT NOT NULL, user_id TEXT NOT NULL REFERENCES users(id),
  created_at BIGINT NOT NULL, PRIMARY KEY (host_id, vm_uuid)) WITHOUT ROWID;

CREATE TABLE backends (
  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, plugin TEXT NOT NULL, created_at BIGINT NOT NULL) WITHOUT ROWID;

CREATE TABLE types (
  id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, spec TEXT NOT NULL DEFAULT '{}', created_at BIGINT NOT NULL) WITHOUT ROWID;

-- lifecycle, running operation and attachments are kept apart; a cloud's mixed status word is computed by its adapter.
-- status_override is an operator's visible "reset state": shown, never acted upon.
CREATE TABLE volumes (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
  project_id TEXT NOT NULL, user_id TEXT NOT NULL, backend_id TEXT NOT NULL REFERENCES backends(id),
  type_id TEXT NOT NULL DEFAULT '', name TEXT NOT NULL, comment TEXT NOT NULL, metadata TEXT NOT NULL DEFAULT '{}',
  size_bytes BIGINT NOT NULL, lifecycle TEXT NOT NULL, format TEXT NOT NULL DEFAULT '', refs TEXT NOT NULL DEFAULT '',
  layer TEXT NOT NULL DEFAULT '', snapshot_id TEXT NOT NULL DEFAULT '', source_volume_id TEXT NOT NULL DEFAULT '',
  shared INTEGER NOT NULL DEFAULT 0, read_only INTEGER NOT NULL DEFAULT 0, status_override TEXT NOT NULL DEFAULT '',
  error_code TEXT NOT NULL DEFAULT '', error_message TEXT NOT NULL DEFAULT '', operation_id TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL);
CREATE INDEX volumes_project ON volumes (project_id, seq);
CREATE INDEX volumes_layer ON volumes (backend_id, layer) WHERE layer <> '';

CREATE TABLE snapshots (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
  project_id TEXT NOT NULL, user_id TEXT NOT NULL, backend_id TEXT NOT NULL REFERENCES backends(id),
  volume_id TEXT NOT NULL, name TEXT NOT NULL, comment TEXT NOT NULL, metadata TEXT NOT NULL DEFAULT '{}',
  size_bytes BIGINT NOT NULL, lifecycle TEXT NOT NULL, format TEXT NOT NULL DEFAULT '', refs TEXT NOT NULL DEFAULT '',
  layer TEXT NOT NULL DEFAULT '', error_code TEXT NOT NULL DEFAULT '', error_message TEXT NOT NULL DEFAULT '',
  operation_id TEXT NOT NULL DEFAULT '', created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL);
CREATE INDEX snapshots_project ON snapshots (project_id, seq);
CREATE INDEX snapshots_volume ON snapshots (volume_id);
CREATE INDEX snapshots_layer ON snapshots (backend_id, layer) WHERE layer <> '';

-- Frozen or active files that hold the bytes. Users of a layer = objects whose layer it is + layers whose parent it is.
-- dropped_by: the object whose removal takes the layer along; such a layer counts as gone.
CREATE TABLE layers (
  backend_id TEXT NOT NULL REFERENCES backends(id), name TEXT NOT NULL, parent TEXT NOT NULL, format TEXT NOT NULL,
  dropped_by TEXT NOT NULL DEFAULT '', PRIMARY KEY (backend_id, name)) WITHOUT ROWID;
CREATE INDEX layers_parent ON layers (backend_id, parent, dropped_by) WHERE parent <> '';
CREATE INDEX layers_dropped ON layers (dropped_by) WHERE dropped_by <> '';

-- A volume made reachable for one host; made by the first attachment there and removed by the last.
CREATE TABLE exports (
  id TEXT PRIMARY KEY, volume_id TEXT NOT NULL REFERENCES volumes(id), host_id TEXT NOT NULL REFERENCES hosts(id),
  initiator TEXT NOT NULL DEFAULT '', mode TEXT NOT NULL, secret TEXT NOT NULL DEFAULT '', kind TEXT NOT NULL DEFAULT '',
  format TEXT NOT NULL DEFAULT '', data TEXT NOT NULL DEFAULT '', refs TEXT NOT NULL DEFAULT '', state TEXT NOT NULL,
  created_at BIGINT NOT NULL, UNIQUE (volume_id, host_id, initiator)) WITHOUT ROWID;

CREATE TABLE attachments (
  id TEXT PRIMARY KEY, volume_id TEXT NOT NULL REFERENCES volumes(id), project_id TEXT NOT NULL, user_id TEXT NOT NULL,
  host_id TEXT NOT NULL, vm_uuid TEXT NOT NULL, vm_name TEXT NOT NULL, mode TEXT NOT NULL, external INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL, device TEXT NOT NULL DEFAULT '', export_id TEXT NOT NULL DEFAULT '',
  error_code TEXT NOT NULL DEFAULT '', error_message TEXT NOT NULL DEFAULT '', operation_id TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL) WITHOUT ROWID;
CREATE UNIQUE INDEX attachments_managed ON attachments (volume_id, host_id, vm_uuid) WHERE external = 0;
CREATE INDEX attachments_volume ON attachments (volume_id);
CREATE INDEX attachments_export ON attachments (export_id) WHERE export_id <> '';
CREATE INDEX attachments_vm ON attachments (host_id, vm_uuid);

CREATE TABLE grants (
  volume_id TEXT NOT NULL REFERENCES volumes(id), user_id TEXT NOT NULL REFERENCES users(id), created_at BIGINT NOT NULL,
  PRIMARY KEY (volume_id, user_id)) WITHOUT ROWID;
CREATE INDEX grants_user ON grants (user_id);

-- The journal. step = index of the step that runs or comes next; a step is done when step has moved past it. attempt (epoch) grows
-- with each try of a step, and file names carry it. lease_*: which worker may run it, for several vbsd and for delegates.
CREATE TABLE operations (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, state TEXT NOT NULL,
  project_id TEXT NOT NULL, user_id TEXT NOT NULL, subject TEXT NOT NULL, object_kind TEXT NOT NULL, object_id TEXT NOT NULL,
  params TEXT NOT NULL, data TEXT NOT NULL DEFAULT '{}', step INTEGER NOT NULL DEFAULT 0, step_name TEXT NOT NULL DEFAULT '',
  undoing INTEGER NOT NULL DEFAULT 0, attempt BIGINT NOT NULL DEFAULT 1, lease_holder TEXT NOT NULL DEFAULT '',
  lease_until BIGINT NOT NULL DEFAULT 0, cancel_requested INTEGER NOT NULL DEFAULT 0, waits_for TEXT NOT NULL DEFAULT '',
  error_code TEXT NOT NULL DEFAULT '', error_message TEXT NOT NULL DEFAULT '', request_id TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL);
CREATE INDEX operations_live ON operations (seq) WHERE state NOT IN ('done', 'failed');
CREATE INDEX operations_project ON operations (project_id, seq);
CREATE INDEX operations_object ON operations (object_id, seq);

CREATE TABLE leases (
  name TEXT PRIMARY KEY, holder TEXT NOT NULL, epoch BIGINT NOT NULL, until BIGINT NOT NULL) WITHOUT ROWID;

-- (principal, client token), kept 24 h with the hash of the request.
CREATE TABLE idempotency_keys (
  user_id TEXT NOT NULL, token TEXT NOT NULL, request_hash TEXT NOT NULL, object_id TEXT NOT NULL, operation_id TEXT NOT NULL,
  created_at BIGINT NOT NULL, PRIMARY KEY (user_id, token)) WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency_keys (created_at);

CREATE TABLE quotas (
  project_id TEXT NOT NULL, resource TEXT NOT NULL, hard_limit BIGINT NOT NULL, PRIMARY KEY (project_id, resource)) WITHOUT ROWID;
CREATE TABLE reservations (
  id TEXT PRIMARY KEY, project_id TEXT NOT NULL, resource TEXT NOT NULL, amount BIGINT NOT NULL, operation_id TEXT NOT NULL,
  until BIGINT NOT NULL) WITHOUT ROWID;

-- The audit trail: who asked for what, and how it ended. Read by scans.
CREATE TABLE events (
  seq INTEGER PRIMARY KEY, at BIGINT NOT NULL, project_id TEXT NOT NULL, user_id TEXT NOT NULL,
  action TEXT NOT NULL, outcome TEXT NOT NULL, object_kind TEXT NOT NULL, object_id TEXT NOT NULL, operation_id TEXT NOT NULL,
  request_id TEXT NOT NULL, detail TEXT NOT NULL DEFAULT '');
)sql",
                                   R"sql(
-- Hosts and back-ends that are to be emptied: they take nothing new. kind: host, back-end.
CREATE TABLE drained (
  kind TEXT NOT NULL, id TEXT NOT NULL, since BIGINT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
)sql"};

const int kSchemaVersion = static_cast<int>(std::size(kMigrations));

}  // namespace vbs::store
