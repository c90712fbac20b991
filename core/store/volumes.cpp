#include <fmt/format.h>

#include <algorithm>

#include "core/base/clock.hpp"
#include "core/store/checks.hpp"
#include "core/store/columns.hpp"

namespace vbs::store {
namespace {
constexpr std::string_view kColumns =
    "v.seq, v.id, v.project_id, v.user_id, v.backend_id, v.name, v.comment, v.metadata, v.size_bytes, v.lifecycle, "
    "v.format, v.refs, "
    "v.layer, v.error_code, v.error_message, v.operation_id, v.created_at, v.updated_at, v.snapshot_id, "
    "v.source_volume_id";

template <class... P>
std::vector<VolumeRow> select(Session& db, const std::string& rest, const P&... params) {
  std::vector<VolumeRow> out;
  db.each<COMMON_COLUMNS, S, S>(
      fmt::format("SELECT {} FROM volumes v {}", kColumns, rest),
      [&](COMMON_PARAMETERS, const S& snapshot, const S& source) {
        auto& r = out.emplace_back();
        COMMON_FILL(r);
        r.snapshot_id = snapshot;
        r.source_volume_id = source;
        check(r);
      },
      params...);
  return out;
}
}  // namespace

std::optional<VolumeRow> find_volume(Session& db, const std::string& id) {
  return first(select(db, "WHERE v.id = ?", id));
}

std::vector<VolumeRow> list_volumes(Session& db, const Filter& f) {
  // One scope at a time, so that each is a range of an index and a page costs the same however many volumes there are.
  // `attached_by`: only attachments of that project count for host and vm, "" = all. Who has a grant must not learn by
  // asking which VMs the others use.
  const auto page = [&](const std::string& scope, const std::string& scope_value, const std::string& attached_by) {
    // Where ids are given they lead; without the "+" SQLite would walk through all rows in the order of seq.
    const std::string lead = f.ids.empty() ? "" : "+";
    // ids travel as one JSON array, so that the text of the statement, and with it the prepared one, stays the same.
    const std::string ids = f.ids.empty() ? "? = '[]'" : "v.id IN (SELECT value FROM json_each(?))";
    return select(db,
                  "WHERE " + lead + scope + " AND " + lead + "v.seq > ? AND " + ids +
                      " AND (? = '' OR v.name = ?) AND (? = '' OR v.lifecycle = ?) AND ((? = '' AND ? = '') OR EXISTS "
                      "(SELECT 1 FROM attachments a WHERE a.volume_id = v.id AND (? = '' OR a.host_id = ?) AND "
                      "(? = '' OR a.vm_uuid = ? OR a.vm_name = ?) AND (? = '' OR a.project_id = ?))) "
                      "ORDER BY " +
                      lead + "v.seq LIMIT ?",
                  scope_value, f.after_seq, json_array(f.ids), f.name, f.name, f.lifecycle, f.lifecycle, f.host_id,
                  f.vm, f.host_id, f.host_id, f.vm, f.vm, f.vm, attached_by, attached_by,
                  static_cast<long long>(f.limit));
  };
  if (f.project_id.empty()) return page("? = ''", "", "");
  auto rows = page("v.project_id = ?", f.project_id, "");
  if (f.granted_to.empty()) return rows;
  auto granted = page("v.id IN (SELECT volume_id FROM grants WHERE user_id = ?)", f.granted_to, f.project_id);
  std::erase_if(granted, [&](const VolumeRow& v) { return v.project_id == f.project_id; });
  if (granted.empty()) return rows;
  const auto middle =
      rows.insert(rows.end(), std::make_move_iterator(granted.begin()), std::make_move_iterator(granted.end()));
  std::inplace_merge(rows.begin(), middle, rows.end(),
                     [](const VolumeRow& a, const VolumeRow& b) { return a.seq < b.seq; });
  if (rows.size() > f.limit) rows.resize(f.limit);
  return rows;
}

void insert_volume(Tx& tx, const VolumeRow& r) {
  tx.db.run(
      "INSERT INTO volumes (id, project_id, user_id, backend_id, name, comment, metadata, size_bytes, lifecycle, "
      "format, refs, layer, "
      "snapshot_id, source_volume_id, operation_id, created_at, updated_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      r.id, r.project_id, r.user_id, r.backend_id, r.name, r.comment, r.metadata, r.size_bytes, r.lifecycle, r.format,
      r.refs, r.layer, r.snapshot_id, r.source_volume_id, r.operation_id, r.created_at, r.updated_at);
}

void update_volume(Tx& tx, const VolumeRow& r) {
  tx.db.run(
      "UPDATE volumes SET name=?, comment=?, metadata=?, size_bytes=?, lifecycle=?, format=?, refs=?, layer=?, "
      "error_code=?, "
      "error_message=?, operation_id=?, updated_at=? WHERE id=?",
      r.name, r.comment, r.metadata, r.size_bytes, r.lifecycle, r.format, r.refs, r.layer, r.error_code,
      r.error_message, r.operation_id, now_us(), r.id);
}

void delete_volume(Tx& tx, const std::string& id) {
  tx.db.run("DELETE FROM grants WHERE volume_id = ?", id);
  tx.db.run("DELETE FROM exports WHERE volume_id = ? AND state = 'fenced'", id);  // of hosts that never came back
  tx.db.run("DELETE FROM volumes WHERE id = ?", id);
}

void set_lifecycle(Tx& tx, ObjectKind kind, const std::string& id, const std::string& lifecycle,
                   const std::string& error_code, const std::string& error_message) {
  tx.db.run(
      kind == ObjectKind::volume
          ? "UPDATE volumes SET lifecycle=?, error_code=?, error_message=?, operation_id='', updated_at=? WHERE id=?"
          : "UPDATE snapshots SET lifecycle=?, error_code=?, error_message=?, operation_id='', updated_at=? WHERE id=?",
      lifecycle, error_code, error_message, now_us(), id);
}

void set_operation(Tx& tx, ObjectKind kind, const std::string& id, const std::string& operation_id) {
  tx.db.run(kind == ObjectKind::volume ? "UPDATE volumes SET operation_id=?, updated_at=? WHERE id=?"
                                       : "UPDATE snapshots SET operation_id=?, updated_at=? WHERE id=?",
            operation_id, now_us(), id);
}

long long promised_bytes(Session& db, const std::string& backend_id) {
  return db.number("SELECT coalesce(sum(size_bytes), 0) FROM volumes WHERE backend_id = ?", backend_id);
}

std::vector<GrantRow> list_grants(Session& db, const std::string& volume_id) {
  std::vector<GrantRow> out;
  db.each<S, S, I>(
      "SELECT g.user_id, u.subject, g.created_at FROM grants g JOIN users u ON u.id = g.user_id WHERE g.volume_id = ? "
      "ORDER BY g.created_at",
      [&](const S& user, const S& subject, I at) {
        out.push_back({user, subject, at});
      },
      volume_id);
  return out;
}

bool has_grant(Session& db, const std::string& volume_id, const std::string& user_id) {
  return db.number("SELECT count(*) FROM grants WHERE volume_id = ? AND user_id = ?", volume_id, user_id) > 0;
}

void insert_grant(Tx& tx, const std::string& volume_id, const std::string& user_id) {
  tx.db.run("INSERT OR IGNORE INTO grants VALUES (?,?,?)", volume_id, user_id, now_us());
}

void delete_grant(Tx& tx, const std::string& volume_id, const std::string& user_id) {
  tx.db.run("DELETE FROM grants WHERE volume_id = ? AND user_id = ?", volume_id, user_id);
}
}  // namespace vbs::store
