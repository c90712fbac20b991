#include "core/operations/export_use.hpp"

#include "core/base/clock.hpp"
#include "core/base/ids.hpp"
#include "core/base/log.hpp"
#include "core/operations/support.hpp"

namespace vbs {
namespace {
struct ExportNow {
  store::ExportRow row;  // as recorded, or as it will be
  bool recorded = false;
  bool shared = false;  // other attachments have it
  bool works = false;   // ... and their VMs use it. One that a failed detach left may be removed in truth.
  std::string volume_refs;
};

ExportNow read_export(const StepContext& c, const store::AttachmentRow& attachment) {
  ExportNow now;
  c.database.snapshot([&](store::Session& db) {
    if (auto row = store::find_export(db, attachment.volume_id, attachment.host_id)) {
      now.recorded = row->state == "exported";
      now.row = std::move(*row);
    }
    now.volume_refs = volume_of(db, attachment.volume_id).refs;
    for (const auto& other : store::attachments_of(db, attachment.volume_id)) {
      if (other.id == attachment.id || other.export_id != attachment.export_id) continue;
      now.shared = true;
      now.works = now.works || other.state == "attached";
    }
  });
  if (!now.row.id.empty()) return now;
  now.row.id = attachment.export_id;
  now.row.volume_id = attachment.volume_id;
  now.row.host_id = attachment.host_id;
  now.row.initiator = c.registry.host(attachment.host_id).row.initiator;
  now.row.mode = attachment.mode;
  return now;
}

ExportArgs arguments(const store::ExportRow& row, const std::string& volume_refs, const std::string& host,
                     const std::string& mode) {
  return {row.id,    row.volume_id, volume_refs, host, row.initiator, row.refs, mode == "rw" ? Mode::rw : Mode::ro,
          row.secret};
}

ExportArgs arguments(const StepContext& c, const ExportNow& e, const std::string& mode) {
  return arguments(e.row, e.volume_refs, c.registry.host(e.row.host_id).row.name, mode);
}

void take_in(store::ExportRow& row, const Connection& connection) {
  row.kind = connection.kind;
  row.format = connection.format;
  row.data = connection.data;
  row.refs = connection.refs;
}
}  // namespace

store::AttachmentRow attachment_of(store::Session& db, const std::string& id) {
  if (auto r = store::find_attachment(db, id)) return *r;
  throw Error(Code::internal, "attachment " + id + " has left the store while an operation on it ran");
}

std::vector<LockRequest> attachment_locks(const store::AttachmentRow& a) {
  return {{"volume:" + a.volume_id, false}, {"export:" + a.volume_id + "/" + a.host_id, true}, vm_lock(a)};
}

std::string choose_export(store::Tx& tx, const store::AttachmentRow& a) {
  if (const auto there = store::find_export(tx.db, a.volume_id, a.host_id)) return there->id;
  store::ExportRow row;
  row.id = new_uuid();
  row.initiator = store::initiator_of(tx.db, a.host_id);
  if (row.initiator.empty()) return row.id;
  row.volume_id = a.volume_id;
  row.host_id = a.host_id;
  row.mode = a.mode;
  row.secret = new_secret();
  row.state = "planned";
  row.created_at = now_us();
  store::put_export(tx, row);
  return row.id;
}

void forget_planned_export(store::Tx& tx, const std::string& export_id) { store::delete_planned_export(tx, export_id); }

Commit make_export(const StepContext& c, Backend& backend, const store::AttachmentRow& attachment) {
  const auto now = read_export(c, attachment);
  const bool wide_enough = now.recorded && (now.row.mode == "rw" || attachment.mode == "ro");
  if (wide_enough && now.works) return nullptr;
  auto row = now.row;
  if (!wide_enough) row.mode = attachment.mode;
  take_in(row, backend.slot.plugin().export_object(c.call, arguments(c, now, row.mode)));
  row.state = "exported";
  if (row.created_at == 0) row.created_at = now_us();
  return [row](store::Tx& tx) { store::put_export(tx, row); };
}

Commit drop_export(const StepContext& c, Backend& backend, const store::AttachmentRow& attachment) {
  const auto now = read_export(c, attachment);
  if (now.shared || now.row.id.empty()) return nullptr;
  backend.slot.plugin().unexport(c.call, arguments(c, now, now.row.mode));
  return [id = now.row.id](store::Tx& tx) { store::delete_export(tx, id); };
}

std::pair<store::ExportRow, ExportArgs> export_to_remove(const StepContext& c, const store::AttachmentRow& attachment) {
  const auto now = read_export(c, attachment);
  return {now.row, arguments(c, now, now.row.mode)};
}

store::ExportRow export_again(const StepContext& c, Backend& backend, const store::AttachmentRow& attachment,
                              const std::string& volume_refs) {
  auto now = read_export(c, attachment);
  if (!now.recorded) throw Error(Code::internal, "the export of attachment " + attachment.id + " has left the store");
  now.volume_refs = volume_refs;
  take_in(now.row, backend.slot.plugin().export_object(c.call, arguments(c, now, now.row.mode)));
  return now.row;
}

void let_go(const StepContext& c, const Host& host, const store::AttachmentRow& attachment) {
  if (read_export(c, attachment).shared) return;
  const auto connection = connection_of(c, attachment);
  host.connector(connection.kind).disconnect(c.call, connection);
}

void make_exports_again(store::Database& database, const Registry& registry, const store::BackendRow& backend,
                        StorageBackend& plugin) {
  struct Wanted {
    store::ExportRow row;
    std::string volume_refs;
  };
  std::vector<Wanted> all;
  database.snapshot([&](store::Session& db) {
    for (auto& row : store::exports_of_backend(db, backend.id)) {
      auto refs = volume_of(db, row.volume_id).refs;
      all.push_back({std::move(row), std::move(refs)});
    }
  });
  for (const auto& [row, volume_refs] : all) {
    Call call;
    call.id = "export-again-" + row.id;
    try {
      plugin.export_object(call, arguments(row, volume_refs, registry.host(row.host_id).row.name, row.mode));
    } catch (const Error& e) {
      if (e.code() == Code::unavailable) throw;
      logger().error("back-end {}: volume {} cannot be exported to host {} again: {}", backend.name, row.volume_id,
                     registry.host(row.host_id).row.name, e.what());
    }
  }
  if (!all.empty()) logger().info("back-end {}: {} exports made again", backend.name, all.size());
}

void make_connections_again(store::Database& database, const Host& host) {
  const auto rows = database.read([&](store::Session& db) { return store::exports_of_host(db, host.row.id); });
  for (const auto& row : rows) {
    Call call;
    call.id = "connect-again-" + row.id;
    try {
      auto& connector = host.connector(row.kind);
      const auto connection = connection_of(row);
      if (connector.connected(call, connection)) continue;
      connector.connect(call, connection, row.volume_id);
      logger().info("host {}: volume {} is connected again", host.row.name, row.volume_id);
    } catch (const Error& e) {
      logger().error("host {}: volume {} cannot be connected again: {}; its VMs wait for it, or detach and attach it",
                     host.row.name, row.volume_id, e.what());
    }
  }
}

Connection connection_of(const store::ExportRow& row) {
  return {row.mode == "rw" ? Mode::rw : Mode::ro, row.kind, row.format, row.data, row.refs, row.initiator, row.secret};
}

Connection connection_of(const StepContext& c, const store::AttachmentRow& attachment) {
  const auto row = c.database.read(
      [&](store::Session& db) { return store::find_export(db, attachment.volume_id, attachment.host_id); });
  if (!row) throw Error(Code::internal, "the export of attachment " + attachment.id + " has left the store");
  return connection_of(*row);
}
}  // namespace vbs
