// SPDX-License-Identifier: MIT
//
// export_object, unexport, live_sessions. The CHAP user is made of the export's id, its secret is the core's; both are
// known to the target and to that host alone.
#include "names.hpp"
#include "storage_lvm_iscsi.hpp"
#include "vbs/plugin/json.hpp"

namespace vbs::lvm {
using plugin::Call;
using plugin::Error;

plugin::Connection LvmStorage::export_object(Call& call, const plugin::ExportArgs& a) {
  check_id(a.export_id, "export id");
  check_initiator(a.initiator);
  check_secret(a.secret);
  const auto view = group_.look(call, {a.volume_id});
  const Lv& lv = published(view, VBS_KIND_VOLUME, a.volume_id, a.volume_refs);
  ready_device(call, lv);
  target_->grant(call, a.volume_id, config_.device(lv.name),
                 {a.initiator, chap_user(a.export_id), a.secret, a.read_only});
  plugin::Connection c;
  c.read_only = a.read_only;
  c.kind = "iscsi";
  c.format = "raw";
  c.data = "{\"iqn\":" + plugin::json_quoted(target_name(config_, a.volume_id)) + ",\"portals\":";
  c.data += portals_json(config_);
  c.data += ",\"lun\":" + std::to_string(kLun) + ",\"user\":" + plugin::json_quoted(chap_user(a.export_id)) + "}";
  c.refs = "{\"v\":1}";
  return c;
}

// The target is asked, not LVM: a detach must not wait for a group that is away.
void LvmStorage::unexport(Call& call, const plugin::ExportArgs& a) {
  check_id(a.volume_id, "volume id");
  check_initiator(a.initiator);
  target_->revoke(call, a.volume_id, a.initiator, chap_user(a.export_id));
}

bool LvmStorage::live_sessions(Call& call, const plugin::ExportArgs& a) {
  check_id(a.volume_id, "volume id");
  check_initiator(a.initiator);
  return target_->has_session(call, a.volume_id, a.initiator);
}

}  // namespace vbs::lvm
