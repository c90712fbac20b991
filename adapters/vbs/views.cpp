#include "adapters/vbs/views.hpp"

#include "core/base/clock.hpp"

namespace vbs::native {
namespace {
void raw(JsonWriter& w, std::string_view name, const std::string& json_object) {
  key(w, name);
  w.RawValue(json_object.data(), json_object.size(), rapidjson::kObjectType);
}
void number(JsonWriter& w, std::string_view name, int64_t value) {
  key(w, name);
  w.Int64(value);
}

// Names of what rows only know by id; a back-end or host that has left the configuration is shown by its id.
std::string backend_name(Core& core, const std::string& id) {
  for (const auto& b : core.registry.backends())
    if (b->row.id == id) return b->row.name;
  return id;
}
std::string host_name(Core& core, const std::string& id) {
  for (const auto& h : core.registry.hosts())
    if (h->row.id == id) return h->row.name;
  return id;
}

void progress(JsonWriter& w, uint64_t done, uint64_t total) {
  key(w, "progress");
  w.StartObject();
  key(w, "done_bytes");
  w.Uint64(done);
  key(w, "total_bytes");
  w.Uint64(total);
  w.EndObject();
}

void common(JsonWriter& w, Core& core, const store::ObjectRow& r) {
  field(w, "id", r.id);
  field(w, "name", r.name);
  field(w, "comment", r.comment);
  number(w, "size_bytes", r.size_bytes);
  field(w, "state", r.lifecycle);
  reason(w, r.error_code, r.error_message);
  field(w, "backend", backend_name(core, r.backend_id));
  field(w, "owner", core.directory.subject_of(r.user_id));
  field(w, "project_id", r.project_id);
  raw(w, "metadata", r.metadata);
  if (!r.operation_id.empty())
    if (const auto s = core.engine.status(r.operation_id)) {
      key(w, "operation");
      w.StartObject();
      field(w, "id", r.operation_id);
      field(w, "kind", s->kind);
      field(w, "state", s->state);
      progress(w, s->done_bytes, s->total_bytes);
      w.EndObject();
    }
  field(w, "created_at", rfc3339(r.created_at));
  field(w, "updated_at", rfc3339(r.updated_at));
}
}  // namespace

void reason(JsonWriter& w, const std::string& code, const std::string& message) {
  if (message.empty()) return;
  key(w, "error");
  w.StartObject();
  field(w, "code", code);
  field(w, "message", message);
  w.EndObject();
}

void write(JsonWriter& w, Core& core, const VolumeView& v) {
  w.StartObject();
  common(w, core, v.row);
  field(w, "format", v.row.format);
  field(w, "access", to_string(v.access));
  if (!v.row.snapshot_id.empty()) field(w, "snapshot_id", v.row.snapshot_id);
  if (!v.row.source_volume_id.empty()) field(w, "source_volume_id", v.row.source_volume_id);
  key(w, "attachments");
  w.StartArray();
  for (const auto& a : v.attachments) write(w, core, a);
  w.EndArray();
  w.EndObject();
}

void write(JsonWriter& w, Core& core, const store::SnapshotRow& r) {
  w.StartObject();
  common(w, core, r);
  field(w, "volume_id", r.volume_id);
  w.EndObject();
}

void write(JsonWriter& w, Core& core, const store::AttachmentRow& a) {
  w.StartObject();
  field(w, "id", a.id);
  field(w, "volume_id", a.volume_id);
  field(w, "host", host_name(core, a.host_id));
  field(w, "vm", a.vm_name);
  field(w, "vm_uuid", a.vm_uuid);
  field(w, "mode", a.mode);
  field(w, "state", a.state);
  field(w, "device", a.device);
  reason(w, a.error_code, a.error_message);
  field(w, "created_at", rfc3339(a.created_at));
  w.EndObject();
}

void write(JsonWriter& w, Core& core, const store::OperationRow& o) {
  const auto live = core.engine.status(o.id);
  w.StartObject();
  field(w, "id", o.id);
  field(w, "kind", o.kind);
  field(w, "state", o.state);
  field(w, "step", o.step_name);
  field(w, "object_kind", o.object_kind);
  field(w, "object_id", o.object_id);
  field(w, "user", o.subject);
  number(w, "attempt", o.attempt);
  progress(w, live ? live->done_bytes : 0, live ? live->total_bytes : 0);
  if (!o.waits_for.empty()) field(w, "waits_for", o.waits_for);
  reason(w, o.error_code, o.error_message);
  field(w, "created_at", rfc3339(o.created_at));
  field(w, "updated_at", rfc3339(o.updated_at));
  w.EndObject();
}
}  // namespace vbs::native
