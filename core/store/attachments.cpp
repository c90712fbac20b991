#include <fmt/format.h>

#include "core/base/clock.hpp"
#include "core/store/checks.hpp"
#include "core/store/columns.hpp"

namespace vbs::store {
namespace {
constexpr std::string_view kColumns =
    "id, volume_id, project_id, user_id, host_id, vm_uuid, vm_name, mode, state, device, export_id, error_code, "
    "error_message, "
    "operation_id, created_at, updated_at";

template <class... P>
std::vector<AttachmentRow> select(Session& db, const std::string& rest, const P&... params) {
  std::vector<AttachmentRow> out;
  db.each<S, S, S, S, S, S, S, S, S, S, S, S, S, S, I, I>(
      fmt::format("SELECT {} FROM attachments {}", kColumns, rest),
      [&](const S& id, const S& volume, const S& project, const S& user, const S& host, const S& uuid, const S& vm,
          const S& mode, const S& state, const S& device, const S& exported, const S& error_code,
          const S& error_message, const S& operation, I created, I updated) {
        out.push_back({id, volume, project, user, host, uuid, vm, mode, state, device, exported, error_code,
                       error_message, operation, created, updated});
        check(out.back());
      },
      params...);
  return out;
}

std::vector<ExportRow> select_exports(Session& db, const std::string& rest, const std::string& a,
                                      const std::string& b) {
  std::vector<ExportRow> out;
  db.each<S, S, S, S, S, S, S, S, S, S, S, I>(
      "SELECT id, volume_id, host_id, initiator, mode, secret, kind, format, data, refs, state, created_at FROM "
      "exports " +
          rest,
      [&](const S& id, const S& volume, const S& host, const S& initiator, const S& mode, const S& secret,
          const S& kind, const S& format, const S& data, const S& refs, const S& state, I created) {
        out.push_back({id, volume, host, initiator, mode, secret, kind, format, data, refs, state, created});
        check(out.back());
      },
      a, b);
  return out;
}
}  // namespace

std::optional<AttachmentRow> find_attachment(Session& db, const std::string& id) {
  return first(select(db, "WHERE id = ?", id));
}

std::vector<AttachmentRow> attachments_of(Session& db, const std::string& volume_id) {
  return select(db, "WHERE volume_id = ? ORDER BY created_at", volume_id);
}

std::vector<AttachmentRow> list_attachments(Session& db, const Filter& f) {
  const std::string volumes = f.ids.empty() ? "? = '[]'" : "volume_id IN (SELECT value FROM json_each(?))";
  return select(db,
                "WHERE " + volumes +
                    " AND (? = '' OR project_id = ?) AND (? = '' OR volume_id = ?) AND (? = '' OR host_id = ?) AND "
                    "(? = '' OR vm_uuid = ? OR vm_name = ?) ORDER BY created_at LIMIT ?",
                json_array(f.ids), f.project_id, f.project_id, f.volume_id, f.volume_id, f.host_id, f.host_id, f.vm,
                f.vm, f.vm, static_cast<long long>(f.limit));
}

void insert_attachment(Tx& tx, const AttachmentRow& r) {
  tx.db.run(
      "INSERT INTO attachments (id, volume_id, project_id, user_id, host_id, vm_uuid, vm_name, mode, state, device, "
      "export_id, "
      "operation_id, created_at, updated_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      r.id, r.volume_id, r.project_id, r.user_id, r.host_id, r.vm_uuid, r.vm_name, r.mode, r.state, r.device,
      r.export_id, r.operation_id, r.created_at, r.updated_at);
}

void update_attachment(Tx& tx, const AttachmentRow& r) {
  tx.db.run(
      "UPDATE attachments SET host_id=?, state=?, device=?, export_id=?, error_code=?, error_message=?, "
      "operation_id=?, "
      "updated_at=? WHERE id=?",
      r.host_id, r.state, r.device, r.export_id, r.error_code, r.error_message, r.operation_id, now_us(), r.id);
}

void delete_attachment(Tx& tx, const std::string& id) { tx.db.run("DELETE FROM attachments WHERE id = ?", id); }

std::optional<ExportRow> find_export(Session& db, const std::string& volume_id, const std::string& host_id) {
  return first(select_exports(db, "WHERE volume_id = ? AND host_id = ?", volume_id, host_id));
}

std::vector<ExportRow> unused_exports(Session& db) {
  return select_exports(db, "e WHERE ? = ? AND NOT EXISTS (SELECT 1 FROM attachments a WHERE a.export_id = e.id)", "",
                        "");
}

void put_export(Tx& tx, const ExportRow& r) {
  tx.db.run(
      "INSERT OR REPLACE INTO exports (id, volume_id, host_id, initiator, mode, secret, kind, format, data, refs, "
      "state, created_at) "
      "VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
      r.id, r.volume_id, r.host_id, r.initiator, r.mode, r.secret, r.kind, r.format, r.data, r.refs, r.state,
      r.created_at);
}

void delete_export(Tx& tx, const std::string& id) { tx.db.run("DELETE FROM exports WHERE id = ?", id); }

void delete_planned_export(Tx& tx, const std::string& id) {
  tx.db.run("DELETE FROM exports WHERE id = ? AND state = 'planned'", id);
}

std::vector<ExportRow> exports_of_host(Session& db, const std::string& host_id) {
  return select_exports(db, "WHERE state = ? AND host_id = ? ORDER BY created_at", "exported", host_id);
}

std::vector<ExportRow> exports_of_backend(Session& db, const std::string& backend_id) {
  return select_exports(db,
                        "WHERE state = ? AND volume_id IN (SELECT id FROM volumes WHERE backend_id = ?) ORDER BY "
                        "created_at",
                        "exported", backend_id);
}
}  // namespace vbs::store
