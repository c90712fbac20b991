#include "core/operations/fence.hpp"

#include <fmt/format.h>

#include "core/base/log.hpp"
#include "core/operations/support.hpp"
#include "vbs/plugin/storage.h"

namespace vbs {
namespace {
bool has_sessions(StorageBackend& plugin, const Call& call, const ExportArgs& args) {
  try {
    return plugin.live_sessions(call, args);
  } catch (const Error& e) {
    if (e.code() == Code::not_supported || e.code() == Code::not_found) return false;
    throw;
  }
}
}  // namespace

bool may_fence(const Backend& backend, const store::OperationRow& detach, const Error& silence) {
  return param(detach, "force") == "yes" && silence.code() == Code::unavailable && backend.slot.is_open() &&
         backend.slot.plugin().has(VBS_CAP_FENCE);
}

Commit fence(const StepContext& c, Backend& backend, const store::AttachmentRow& attachment) {
  const auto [row, args] = export_to_remove(c, attachment);
  auto& plugin = backend.slot.plugin();
  plugin.unexport(c.call, args);
  const auto& host = c.registry.host(attachment.host_id).row.name;
  if (has_sessions(plugin, c.call, args))
    throw Error(Code::unavailable, fmt::format("the target still has sessions of host {} for volume {}, which were cut",
                                               host, attachment.volume_id));
  logger().warn("host {} does not answer and was cut off from volume {} at the target", host, attachment.volume_id);
  return [row = row, attachment, host](store::Tx& tx) {
    if (!row.id.empty() && store::find_export(tx.db, row.volume_id, row.host_id)) {
      auto fenced = row;
      fenced.state = "fenced";
      store::put_export(tx, fenced);
    }
    for (auto other : store::attachments_of(tx.db, attachment.volume_id)) {
      if (other.id == attachment.id || other.export_id != attachment.export_id || !other.operation_id.empty()) continue;
      other.state = "failed";
      other.error_code = to_string(Code::unavailable);
      other.error_message = fmt::format(
          "host {} was cut off from the volume by a forced detach from VM {}: detach this "
          "one, too",
          host, attachment.vm_name);
      store::update_attachment(tx, other);
    }
  };
}
}  // namespace vbs
