#include <fmt/format.h>

#include "core/base/clock.hpp"
#include "core/store/checks.hpp"
#include "core/store/columns.hpp"

namespace vbs::store {
namespace {
constexpr std::string_view kColumns =
    "seq, id, project_id, user_id, backend_id, name, comment, metadata, size_bytes, lifecycle, format, refs, layer, "
    "error_code, "
    "error_message, operation_id, created_at, updated_at, volume_id";

template <class... P>
std::vector<SnapshotRow> select(Session& db, const std::string& rest, const P&... params) {
  std::vector<SnapshotRow> out;
  db.each<COMMON_COLUMNS, S>(
      fmt::format("SELECT {} FROM snapshots {}", kColumns, rest),
      [&](COMMON_PARAMETERS, const S& volume) {
        auto& r = out.emplace_back();
        COMMON_FILL(r);
        r.volume_id = volume;
        check(r);
      },
      params...);
  return out;
}
}  // namespace

std::optional<SnapshotRow> find_snapshot(Session& db, const std::string& id) {
  return first(select(db, "WHERE id = ?", id));
}

std::vector<SnapshotRow> list_snapshots(Session& db, const Filter& f) {
  const std::string lead = f.ids.empty() ? "" : "+";  // as in volumes.cpp
  std::string where = "WHERE " + lead + "seq > ? AND (? = '' OR project_id = ?)";
  where += f.ids.empty() ? " AND ? = '[]'" : " AND id IN (SELECT value FROM json_each(?))";
  where += " AND (? = '' OR name = ?) AND (? = '' OR lifecycle = ?) AND (? = '' OR volume_id = ?) ORDER BY " + lead +
           "seq LIMIT ?";
  return select(db, where, f.after_seq, f.project_id, f.project_id, json_array(f.ids), f.name, f.name, f.lifecycle,
                f.lifecycle, f.volume_id, f.volume_id, static_cast<long long>(f.limit));
}

void insert_snapshot(Tx& tx, const SnapshotRow& r) {
  tx.db.run(
      "INSERT INTO snapshots (id, project_id, user_id, backend_id, name, comment, metadata, size_bytes, lifecycle, "
      "volume_id, "
      "operation_id, created_at, updated_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
      r.id, r.project_id, r.user_id, r.backend_id, r.name, r.comment, r.metadata, r.size_bytes, r.lifecycle,
      r.volume_id, r.operation_id, r.created_at, r.updated_at);
}

void update_snapshot(Tx& tx, const SnapshotRow& r) {
  tx.db.run(
      "UPDATE snapshots SET name=?, comment=?, metadata=?, size_bytes=?, lifecycle=?, format=?, refs=?, layer=?, "
      "error_code=?, "
      "error_message=?, operation_id=?, updated_at=? WHERE id=?",
      r.name, r.comment, r.metadata, r.size_bytes, r.lifecycle, r.format, r.refs, r.layer, r.error_code,
      r.error_message, r.operation_id, now_us(), r.id);
}

void delete_snapshot(Tx& tx, const std::string& id) { tx.db.run("DELETE FROM snapshots WHERE id = ?", id); }
}  // namespace vbs::store
