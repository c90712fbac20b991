#include "core/service/volumes.hpp"

#include <fmt/format.h>

#include <unordered_map>

#include "core/base/clock.hpp"
#include "core/base/ids.hpp"
#include "core/base/json.hpp"
#include "core/service/drain.hpp"
#include "core/service/objects.hpp"

namespace vbs {

void check_size(uint64_t bytes) {
  if (bytes < kSizeStep || bytes > kMaxVolumeBytes || bytes % kSizeStep != 0)
    throw Error(Code::invalid,
                fmt::format("'size_bytes' is {}; it must be a multiple of {} (1 MiB) from {} to {} (64 TiB)", bytes,
                            kSizeStep, kSizeStep, kMaxVolumeBytes),
                "size_bytes");
}

Admitted create_volume(Core& core, const Caller& caller, const NewVolume& wanted) {
  if (!wanted.snapshot_id.empty() && !wanted.volume_id.empty())
    throw Error(Code::invalid, "'snapshot_id' and 'volume_id' exclude each other: a volume has one source",
                "volume_id");
  auto* backend = wanted.backend.empty() ? &default_backend(core) : &core.registry.backend_by_name(wanted.backend);
  uint64_t smallest = 0;
  std::string kind, source;
  if (!wanted.snapshot_id.empty() || !wanted.volume_id.empty()) {
    kind = wanted.snapshot_id.empty() ? "volume" : "snapshot";
    source = wanted.snapshot_id + wanted.volume_id;
    const auto row = kind == "volume"
                         ? static_cast<store::ObjectRow>(require_volume(core, caller, Action::change, source).row)
                         : static_cast<store::ObjectRow>(require_snapshot(core, caller, Action::change, source));
    smallest = static_cast<uint64_t>(row.size_bytes);
    backend = &core.registry.backend(row.backend_id);
    if (!wanted.backend.empty() && backend->row.name != wanted.backend)
      throw Error(
          Code::invalid,
          fmt::format("the source lies on back-end '{}': a copy to another one is not supported", backend->row.name),
          "backend");
  } else if (!wanted.size_bytes) {
    throw Error(Code::invalid, "'size_bytes' is missing: it may only be left out with a source", "size_bytes");
  }
  const uint64_t size = wanted.size_bytes.value_or(smallest);
  check_size(size);
  if (size < smallest)
    throw Error(Code::invalid, fmt::format("'size_bytes' is {}, smaller than the source's {}", size, smallest),
                "size_bytes");
  backend->slot.plugin();  // 503 at once, rather than an operation that waits

  store::VolumeRow v;
  v.id = new_uuid();
  v.project_id = caller.who.project_id;
  v.user_id = caller.who.user_id;
  v.backend_id = backend->row.id;
  v.name = wanted.name;
  v.comment = wanted.comment;
  v.metadata = wanted.metadata;
  v.size_bytes = static_cast<long long>(size);
  v.lifecycle = "pending";
  v.snapshot_id = wanted.snapshot_id;
  v.source_volume_id = wanted.volume_id;
  v.created_at = v.updated_at = now_us();
  const auto params = kind.empty() ? "{}" : fmt::format(R"({{"source_kind":"{}","source_id":"{}"}})", kind, source);
  auto operation = new_operation(caller, "create-volume", "volume", v.id, params);
  v.operation_id = operation.id;
  return core.admit(caller, std::move(operation), [&](store::Tx& tx) {
    store::refuse_drained(tx.db, "back-end", v.backend_id, backend->row.name);
    store::insert_volume(tx, v);
  });
}

Admitted delete_volume(Core& core, const Caller& caller, const std::string& id) {
  if (const auto before = core.admitted_before(caller)) return *before;
  require_volume(core, caller, Action::change, id);
  return core.admit(caller, new_operation(caller, "delete-volume", "volume", id), [](store::Tx&) {});
}

Admitted extend_volume(Core& core, const Caller& caller, const std::string& id, uint64_t size_bytes) {
  check_size(size_bytes);
  require_volume(core, caller, Action::change, id);
  return core.admit(
      caller, new_operation(caller, "extend-volume", "volume", id, fmt::format(R"({{"size_bytes":{}}})", size_bytes)),
      [](store::Tx&) {});
}

Admitted revert_volume(Core& core, const Caller& caller, const std::string& id, const std::string& snapshot_id) {
  require_volume(core, caller, Action::change, id);
  require_snapshot(core, caller, Action::see, snapshot_id);
  return core.admit(
      caller,
      new_operation(caller, "revert-volume", "volume", id, fmt::format(R"({{"snapshot_id":"{}"}})", snapshot_id)),
      [](store::Tx&) {});
}

Admitted flatten_volume(Core& core, const Caller& caller, const std::string& id) {
  require_volume(core, caller, Action::change, id);
  return core.admit(caller, new_operation(caller, "flatten-volume", "volume", id), [](store::Tx&) {});
}

VolumeView show_volume(Core& core, const Caller& caller, const std::string& id) {
  return require_volume(core, caller, Action::see, id);
}

std::vector<VolumeView> list_volumes(Core& core, const Caller& caller, const Page& page) {
  auto filter = page.filter;
  filter.project_id = listed_project(caller.who, page.all_projects);
  filter.granted_to = caller.who.user_id;
  return core.database.snapshot([&](store::Session& db) {
    if (!page.marker.empty()) {
      const auto last = store::find_volume(db, page.marker);
      // One that the caller may not see is not told from one that does not exist.
      if (!last || access_to(caller.who, *last, store::has_grant(db, last->id, caller.who.user_id)) == Access::none)
        throw Error(Code::invalid, "'marker' is not the id of a volume", "marker");
      filter.after_seq = last->seq;
    }
    auto rows = store::list_volumes(db, filter);
    std::vector<VolumeView> out;
    if (rows.empty()) return out;
    store::Filter of_page;
    of_page.limit = 1000000;
    for (const auto& row : rows) of_page.ids.push_back(row.id);
    std::unordered_map<std::string, std::vector<store::AttachmentRow>> attachments;
    for (auto& a : store::list_attachments(db, of_page)) attachments[a.volume_id].push_back(std::move(a));
    out.reserve(rows.size());
    for (auto& row : rows) {
      const auto access = access_to(caller.who, row, true);  // the filter saw to the grant
      auto& view = out.emplace_back(VolumeView{std::move(row), access, {}});
      const auto mine = attachments.find(view.row.id);
      if (mine == attachments.end()) continue;
      for (auto& a : mine->second)
        if (may_see(caller.who, view.row, a)) view.attachments.push_back(std::move(a));
    }
    return out;
  });
}

void update_volume(Core& core, const Caller& caller, const std::string& id, const Changes& c) {
  require_volume(core, caller, Action::change, id);
  core.database.writer().transact([&](store::Tx& tx) {
    auto row = store::find_volume(tx.db, id);
    if (!row) throw Error(Code::not_found, "there is no volume " + id);
    apply_changes(*row, c);
    store::update_volume(tx, *row);
    record(tx, caller, "update-volume", "volume", id);
  });
}

std::vector<store::GrantRow> list_grants(Core& core, const Caller& caller, const std::string& id) {
  require_volume(core, caller, Action::change, id);
  return core.database.read([&](store::Session& db) { return store::list_grants(db, id); });
}

void grant(Core& core, const Caller& caller, const std::string& id, const std::string& user_text) {
  require_volume(core, caller, Action::change, id);
  const auto user = core.directory.find_or_announce(caller.who, user_text);
  core.database.writer().transact([&](store::Tx& tx) {
    store::insert_grant(tx, id, user.id);
    record(tx, caller, "grant", "volume", id, user.subject);
  });
}

void ungrant(Core& core, const Caller& caller, const std::string& id, const std::string& user_text) {
  require_volume(core, caller, Action::change, id);
  const auto user = core.directory.find(caller.who, user_text);
  if (!user) return;  // never seen, so nothing was granted
  core.database.writer().transact([&](store::Tx& tx) {
    store::delete_grant(tx, id, user->id);
    record(tx, caller, "ungrant", "volume", id, user->subject);
  });
}
}  // namespace vbs
