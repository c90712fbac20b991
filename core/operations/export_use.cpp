#include "core/operations/export_use.hpp"

#include "core/base/clock.hpp"
#include "core/base/ids.hpp"
#include "core/operations/support.hpp"

namespace vbs {
namespace {
ExportArgs arguments(const store::ExportRow& e, const std::string& volume_refs, const std::string& host_name) {
  return {e.id, e.volume_id, volume_refs, host_name, e.initiator, e.refs, e.mode == "rw" ? Mode::rw : Mode::ro};
}
}  // namespace

store::AttachmentRow attachment_of(store::Session& db, const std::string& id) {
  if (auto r = store::find_attachment(db, id)) return *r;
  throw Error(Code::internal, "attachment " + id + " has left the store while an operation on it ran");
}

std::vector<LockRequest> attachment_locks(const store::AttachmentRow& a) {
  return {{"volume:" + a.volume_id, false}, {"export:" + a.volume_id + "/" + a.host_id, true}, vm_lock(a)};
}

Commit make_export(const StepContext& c, Backend& backend, Host& host, store::AttachmentRow attachment) {
  std::optional<store::ExportRow> row;
  std::string refs;
  c.database.snapshot([&](store::Session& db) {
    row = store::find_export(db, attachment.volume_id, host.row.id);
    refs = volume_of(db, attachment.volume_id).refs;
  });
  const bool wide_enough = row && (row->mode == "rw" || attachment.mode == "ro");
  if (!wide_enough) {
    if (!row) {
      row.emplace();
      row->id = new_uuid();
      row->volume_id = attachment.volume_id;
      row->host_id = host.row.id;
      row->initiator = host.row.initiator;
    }
    row->mode = attachment.mode;
    const auto connection = backend.slot.plugin().export_object(c.call, arguments(*row, refs, host.row.name));
    row->kind = connection.kind;
    row->format = connection.format;
    row->data = connection.data;
    row->refs = connection.refs;
    row->state = "exported";
    if (row->created_at == 0) row->created_at = now_us();
  }
  attachment.export_id = row->id;
  return [attachment, row, changed = !wide_enough](store::Tx& tx) {
    if (changed) store::put_export(tx, *row);
    store::update_attachment(tx, attachment);
  };
}

Commit drop_export(const StepContext& c, Backend& backend, const store::AttachmentRow& attachment) {
  std::optional<store::ExportRow> row;
  std::string refs;
  bool shared = false;
  c.database.snapshot([&](store::Session& db) {
    row = store::find_export(db, attachment.volume_id, attachment.host_id);
    refs = volume_of(db, attachment.volume_id).refs;
    for (const auto& other : store::attachments_of(db, attachment.volume_id))
      shared = shared || (other.id != attachment.id && row && other.export_id == row->id);
  });
  if (!row || shared) return nullptr;
  backend.slot.plugin().unexport(c.call, arguments(*row, refs, c.registry.host(attachment.host_id).row.name));
  return [id = row->id](store::Tx& tx) { store::delete_export(tx, id); };
}

Connection connection_of(const StepContext& c, const store::AttachmentRow& attachment) {
  const auto row = c.database.read(
      [&](store::Session& db) { return store::find_export(db, attachment.volume_id, attachment.host_id); });
  if (!row) throw Error(Code::internal, "the export of attachment " + attachment.id + " has left the store");
  return {row->mode == "rw" ? Mode::rw : Mode::ro, row->kind, row->format, row->data, row->refs};
}
}  // namespace vbs
