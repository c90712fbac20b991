#include <fmt/format.h>

#include "core/base/clock.hpp"
#include "core/base/ids.hpp"
#include "core/service/objects.hpp"
#include "vbs/plugin/storage.h"

namespace vbs {

Admitted create_snapshot(Core& core, const Caller& caller, const NewSnapshot& wanted) {
  const auto volume = require_volume(core, caller, Action::change, wanted.volume_id);
  // 503 at once, rather than an operation that waits.
  const bool shares = core.registry.backend(volume.row.backend_id).slot.plugin().has(VBS_CAP_REFLINK);
  store::SnapshotRow s;
  s.id = new_uuid();
  s.project_id = volume.row.project_id;
  s.user_id = caller.who.user_id;
  s.backend_id = volume.row.backend_id;
  s.volume_id = volume.row.id;
  s.name = wanted.name;
  s.comment = wanted.comment;
  s.metadata = wanted.metadata;
  s.size_bytes = volume.row.size_bytes;
  s.lifecycle = "pending";
  s.created_at = s.updated_at = now_us();
  const auto params = fmt::format(R"({{"volume_id":"{}","by_switch":"{}"}})", s.volume_id, shares ? "no" : "yes");
  return core.admit(caller, new_operation(caller, "create-snapshot", "snapshot", s.id, params), [&](store::Tx& tx) {
    store::refuse_drained(tx.db, "back-end", s.backend_id, core.registry.backend(s.backend_id).row.name);
    store::insert_snapshot(tx, s);
  });
}

Admitted delete_snapshot(Core& core, const Caller& caller, const std::string& id) {
  if (const auto before = core.admitted_before(caller)) return *before;
  require_snapshot(core, caller, Action::change, id);
  return core.admit(caller, new_operation(caller, "delete-snapshot", "snapshot", id), [](store::Tx&) {});
}

store::SnapshotRow show_snapshot(Core& core, const Caller& caller, const std::string& id) {
  return require_snapshot(core, caller, Action::see, id);
}

std::vector<store::SnapshotRow> list_snapshots(Core& core, const Caller& caller, const Page& page) {
  auto filter = page.filter;
  filter.project_id = listed_project(caller.who, page.all_projects);
  return core.database.snapshot([&](store::Session& db) {
    if (!page.marker.empty()) {
      const auto last = store::find_snapshot(db, page.marker);
      if (!last || access_to(caller.who, *last, false) == Access::none)
        throw Error(Code::invalid, "'marker' is not the id of a snapshot", "marker");
      filter.after_seq = last->seq;
    }
    return store::list_snapshots(db, filter);
  });
}

void update_snapshot(Core& core, const Caller& caller, const std::string& id, const Changes& c) {
  require_snapshot(core, caller, Action::change, id);
  core.database.writer().transact([&](store::Tx& tx) {
    auto row = store::find_snapshot(tx.db, id);
    if (!row) throw Error(Code::not_found, "there is no snapshot " + id);
    apply_changes(*row, c);
    store::update_snapshot(tx, *row);
    record(tx, caller, "update-snapshot", "snapshot", id);
  });
}
}  // namespace vbs
