#include "core/operations/support.hpp"

#include "core/base/clock.hpp"

namespace vbs {
namespace {
constexpr size_t kMaxMetadata = 24 * 1024;  // facts have 64 KiB at most

std::string common_facts(store::Session& db, const store::ObjectRow& r, const char* source_key,
                         const std::string& source) {
  JsonBuffer b;
  JsonWriter w(b);
  w.StartObject();
  for (const auto& [k, v] : {std::pair<const char*, const std::string&>{"name", r.name},
                             {"comment", r.comment},
                             {"project_id", r.project_id},
                             {"user_id", r.user_id},
                             {source_key, source}}) {
    key(w, k);
    put(w, v);
  }
  key(w, "created_at");
  put(w, rfc3339(r.created_at));
  // An id names nobody once the store is lost; this does.
  if (const auto user = store::find_user(db, r.user_id)) {
    key(w, "owner");
    w.StartObject();
    for (const auto& [k, v] : {std::pair<const char*, const std::string&>{"source", user->source},
                               {"issuer", user->issuer},
                               {"subject", user->subject}}) {
      key(w, k);
      put(w, v);
    }
    w.EndObject();
  }
  if (r.metadata != "{}" && r.metadata.size() <= kMaxMetadata) {
    key(w, "metadata");
    w.RawValue(r.metadata.data(), r.metadata.size(), rapidjson::kObjectType);
  }
  w.EndObject();
  return {b.GetString(), b.GetSize()};
}

rapidjson::Document object_of(const store::OperationRow& o, const char* column, const std::string& json) {
  auto d = parse_json(json);
  if (!d.IsObject()) throw Error(Code::internal, "operation " + o.id + ": its " + column + " are no JSON object");
  return d;
}

std::string text_member(const rapidjson::Document& d, const char* name) {
  const auto it = d.FindMember(name);
  return it != d.MemberEnd() && it->value.IsString() ? std::string(it->value.GetString(), it->value.GetStringLength())
                                                     : "";
}
}  // namespace

std::string param(const store::OperationRow& o, const char* name) {
  return text_member(object_of(o, "params", o.params), name);
}
std::string data(const store::OperationRow& o, const char* name) {
  return text_member(object_of(o, "data", o.data), name);
}

std::string data_with(std::initializer_list<std::pair<const char*, std::string>> members) {
  JsonBuffer b;
  JsonWriter w(b);
  w.StartObject();
  for (const auto& [name, value] : members) {
    key(w, name);
    put(w, value);
  }
  w.EndObject();
  return {b.GetString(), b.GetSize()};
}

uint64_t param_u64(const store::OperationRow& o, const char* name) {
  const auto d = object_of(o, "params", o.params);
  const auto it = d.FindMember(name);
  if (it == d.MemberEnd() || !it->value.IsUint64())
    throw Error(Code::internal, "operation " + o.id + " has no " + name);
  return it->value.GetUint64();
}

std::string facts_of(store::Session& db, const store::VolumeRow& r) {
  return r.snapshot_id.empty() ? common_facts(db, r, "source_volume_id", r.source_volume_id)
                               : common_facts(db, r, "snapshot_id", r.snapshot_id);
}
std::string facts_of(store::Session& db, const store::SnapshotRow& r) {
  return common_facts(db, r, "volume_id", r.volume_id);
}

store::VolumeRow volume_of(store::Session& db, const std::string& id) {
  if (auto r = store::find_volume(db, id)) return *r;
  throw Error(Code::internal, "volume " + id + " has left the store while an operation on it ran");
}

store::SnapshotRow snapshot_of(store::Session& db, const std::string& id) {
  if (auto r = store::find_snapshot(db, id)) return *r;
  throw Error(Code::internal, "snapshot " + id + " has left the store while an operation on it ran");
}

std::string describe(store::Session& db, const store::AttachmentRow& a, const std::string& to_project) {
  const std::string how = " (" + a.mode + (a.state == "attached" ? ")" : ", " + a.state + ")");
  if (a.project_id != to_project) return "a VM of another project" + how;
  std::string host = a.host_id;
  for (const auto& h : store::list_hosts(db))
    if (h.id == a.host_id) host = h.name;
  return a.vm_name + " on " + host + how;
}

void refuse_attached(store::Session& db, const std::string& volume_id, const std::string& to_project) {
  const auto attached = store::attachments_of(db, volume_id);
  if (attached.empty()) return;
  throw Error(Code::conflict, "volume " + volume_id + " is attached to " + describe(db, attached.front(), to_project) +
                                  (attached.size() > 1 ? " and others" : "") + ": detach it first");
}

bool in_use(store::Session& db, const std::string& volume_id) {
  for (const auto& a : store::attachments_of(db, volume_id))
    if (a.state != "attaching") return true;
  return false;
}

Step tidy_step(Backend& backend) {
  Step tidy{"tidy", &backend.slot.pool(), nullptr, nullptr};
  tidy.forward_only = true;
  tidy.run = [b = &backend](const StepContext& c) -> Commit {
    const auto& id = c.operation.object_id;
    const auto layers = c.database.read([&](store::Session& s) { return store::dropped_layers(s, id); });
    for (const auto& layer : layers) b->slot.plugin().discard(c.call, layer);
    return [id](store::Tx& tx) { store::forget_layers(tx, id); };
  };
  return tidy;
}

LockRequest vm_lock(const store::AttachmentRow& a) { return {"vm:" + a.host_id + "/" + a.vm_uuid, true}; }

const OperationKind& kind_of(const std::string& name) {
  for (const auto* kind :
       {&create_volume_kind(), &delete_volume_kind(), &create_snapshot_kind(), &delete_snapshot_kind(),
        &extend_volume_kind(), &revert_volume_kind(), &flatten_volume_kind(), &attach_volume_kind(),
        &detach_volume_kind(), &move_attachment_kind()})
    if (kind->name() == name) return *kind;
  throw Error(Code::internal, "the journal names an operation of kind '" + name + "', which this vbsd does not know");
}
}  // namespace vbs
