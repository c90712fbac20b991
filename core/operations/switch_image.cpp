#include "core/operations/switch_image.hpp"

#include "core/base/log.hpp"
#include "core/operations/export_use.hpp"
#include "core/operations/guests.hpp"
#include "core/operations/support.hpp"

namespace vbs {
namespace {
store::AttachmentRow only_writer(const StepContext& c, const std::string& volume_id) {
  const auto writers = writers_of(c, volume_id);
  if (writers.size() != 1)
    throw Error(Code::conflict, "volume " + volume_id + " is written to by " + std::to_string(writers.size()) +
                                    " VMs, which cannot go over to a new file at one instant: detach it first");
  return writers.front();
}

Commit prepare_switch(const StepContext& c, Backend& backend, const std::string& volume_id,
                      const std::function<StorageChange(const StepContext&, Backend&)>& prepare) {
  const auto writer = only_writer(c, volume_id);
  const auto prepared = prepare(c, backend);
  const auto* moved = prepared.find(volume_id);
  if (!moved)
    throw Error(Code::internal, "the storage plugin neither prepared a new file for volume " + volume_id +
                                    ", which is in use, nor refused: detach the volume to snapshot it, and tell the "
                                    "plugin's author");
  const auto row = export_again(c, backend, writer, moved->refs);
  c.keep = data_with({{"volume_refs", data(c.operation, "volume_refs")},
                      {"switches", "yes"},
                      {"kind", row.kind},
                      {"format", row.format},
                      {"data", row.data},
                      {"refs", row.refs}});
  return nullptr;
}

// The disk as it is now; nullopt: no such VM, or it does not have the disk.
std::optional<Disk> disk_now(Hypervisor& hypervisor, const Call& call, const store::AttachmentRow& writer) {
  try {
    for (auto& d : hypervisor.inspect(call, writer.vm_uuid))
      if (d.serial == writer.volume_id) return std::move(d);
  } catch (const Error& e) {
    if (e.code() != Code::not_found) throw;
  }
  return std::nullopt;
}

// Only what the disk has now tells whether an error is a refusal. Throws it if it is one; else Error(unknown_outcome),
// which is waited out.
[[noreturn]] void judge(const StepContext& c, Hypervisor& hypervisor, const store::AttachmentRow& writer,
                        const std::string& new_path, const Error& e) {
  bool refused = false;
  try {
    const auto now = disk_now(hypervisor, c.call, writer);
    // The definition of a VM that has stopped may lag behind what an earlier try did to it.
    refused = now && now->path != new_path && (now->live || c.call.epoch == 1);
  } catch (const Error& silent) {
    logger().warn("VM {} does not tell what file volume {} has: {}", writer.vm_name, writer.volume_id, silent.what());
  }
  throw refused ? e : Error(Code::unknown_outcome, e.what());
}

Commit switch_disk(const StepContext& c, Host& host, const store::AttachmentRow& writer) {
  const Connection connection{Mode::rw, data(c.operation, "kind"), data(c.operation, "format"),
                              data(c.operation, "data"), data(c.operation, "refs")};
  auto& hypervisor = host.slot.plugin();
  DiskSpec disk;
  disk.vm_uuid = writer.vm_uuid;
  disk.serial = writer.volume_id;
  disk.device = writer.device;
  disk.mode = Mode::rw;
  bool asked = false;
  try {
    disk.source = host.connector(connection.kind).connect(c.call, connection, writer.volume_id);
    const auto now = disk_now(hypervisor, c.call, writer);
    // A guest that was switched by an earlier try has gone on since: freezing it again would be for nothing. The call
    // is made again all the same: it makes live and persistent definition agree.
    const bool again = now && now->path == disk.source.path;
    while_frozen(c, again ? std::vector<store::AttachmentRow>{} : std::vector{writer}, [&] {
      asked = true;
      hypervisor.switch_image(c.call, disk);
    });
    if (again) thaw(c, writer);  // the try that switched may have ended before it came to that
  } catch (const Error& e) {
    // A VM that is gone, or without the disk, writes to no file: whoever gets the volume next finds the new one.
    if (!asked && e.code() == Code::unavailable) throw;
    if (e.code() != Code::not_found) judge(c, hypervisor, writer, disk.source.path, e);
  }
  return nullptr;
}
}  // namespace

std::vector<Step> switch_steps(store::Session& db, Registry& registry, Backend& backend, const std::string& volume_id,
                               std::function<StorageChange(const StepContext&, Backend&)> prepare) {
  Step first{"prepare", &backend.slot.pool(), nullptr, nullptr};
  first.run = [b = &backend, volume_id, prepare = std::move(prepare)](const StepContext& c) {
    return prepare_switch(c, *b, volume_id, prepare);
  };
  std::vector<Step> out{first};
  for (const auto& writer : writers_of(db, volume_id)) {
    auto* host = &registry.host(writer.host_id);
    Step go{"switch-" + writer.vm_name, &host->slot.pool(), nullptr, nullptr};
    go.decisive = true;
    go.run = [host, writer](const StepContext& c) { return switch_disk(c, *host, writer); };
    out.push_back(std::move(go));
  }
  return out;
}

Commit record_switch(const StepContext& c, Backend& backend, const std::string& volume_id,
                     const std::function<StorageChange()>& record) {
  try {
    auto change = record();
    std::vector<store::ExportRow> exports;
    if (const auto* volume = change.find(volume_id))
      for (const auto& writer : writers_of(c, volume_id))
        exports.push_back(export_again(c, backend, writer, volume->refs));
    return [id = backend.row.id, change = std::move(change), exports = std::move(exports)](store::Tx& tx) {
      store::apply(tx, id, change);
      for (const auto& e : exports) store::put_export(tx, e);
    };
  } catch (const Error& e) {
    if (e.code() == Code::unknown_outcome) throw;
    throw Error(Code::unavailable,
                "the guest of volume " + volume_id +
                    " writes to a new file by now, which the back-end could not record: " + e.what());
  }
}
}  // namespace vbs
