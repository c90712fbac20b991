#include "core/service/objects.hpp"

#include "core/base/ids.hpp"
#include "core/base/log.hpp"

namespace vbs {

VolumeView require_volume(Core& core, const Caller& caller, Action action, const std::string& id) {
  // The text goes no further than this unless it is an id: messages and queries see UUIDs only.
  if (!is_uuid(id)) throw Error(Code::not_found, "there is no volume '" + for_log(id, 64) + "' (ids are UUIDs)");
  return core.database.snapshot([&](store::Session& db) {
    auto row = store::find_volume(db, id);
    if (!row) throw Error(Code::not_found, "there is no volume " + id);
    const bool granted = row->project_id != caller.who.project_id && store::has_grant(db, id, caller.who.user_id);
    VolumeView v{*row, require(caller.who, action, "volume", *row, granted), {}};
    for (auto& a : store::attachments_of(db, id))
      if (may_see(caller.who, *row, a)) v.attachments.push_back(std::move(a));
    return v;
  });
}

store::SnapshotRow require_snapshot(Core& core, const Caller& caller, Action action, const std::string& id) {
  if (!is_uuid(id)) throw Error(Code::not_found, "there is no snapshot '" + for_log(id, 64) + "' (ids are UUIDs)");
  auto row = core.database.read([&](store::Session& db) { return store::find_snapshot(db, id); });
  if (!row) throw Error(Code::not_found, "there is no snapshot " + id);
  require(caller.who, action, "snapshot", *row, false);
  return *row;
}

bool may_see(const Principal& who, const store::VolumeRow& volume, const store::AttachmentRow& a) {
  return who.is_operator || volume.project_id == who.project_id || a.project_id == who.project_id;
}

void apply_changes(store::ObjectRow& row, const Changes& c) {
  if (c.name) row.name = *c.name;
  if (c.comment) row.comment = *c.comment;
  if (c.metadata) row.metadata = *c.metadata;
}

void record(store::Tx& tx, const Caller& caller, const char* action, const char* object_kind,
            const std::string& object_id, const std::string& detail) {
  store::UserRow who;
  who.id = caller.who.user_id;
  who.project_id = caller.who.project_id;
  store::record_event(tx, who, action, object_kind, object_id, caller.request_id, detail);
}
}  // namespace vbs
