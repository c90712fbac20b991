// SPDX-License-Identifier: MIT
//
// Opening a back-end: the group and its marker, the pool, the target.
#include "space.hpp"
#include "storage_lvm_iscsi.hpp"
#include "vbs/plugin/json.hpp"

namespace vbs::lvm {
using plugin::Call;
using plugin::Error;

LvmStorage::LvmStorage(plugin::Host host, Call& call, std::string_view backend_id, std::string_view config)
    : host_(host), config_(read_config(config)), group_(host_, config_), target_(make_target(host_, config_)) {
  group_.adopt(call, std::string(backend_id));
  const auto view = group_.look(call, {});
  // Without it a volume would show what its blocks held for the one before.
  if (config_.thin() && !view.pool->zeroes)
    throw Error(VBS_INVALID, "thin pool " + config_.group + "/" + config_.pool +
                                 " does not zero new blocks, so new volumes would show old data: "
                                 "`lvchange --zero y " +
                                 config_.group + "/" + config_.pool + "`");
  // After a reboot it may have no device, and LVM would not know how full it is.
  if (config_.thin() && !view.pool->active) group_.activate(call, config_.pool);
  target_->prepare(call);
}

plugin::StorageFacts LvmStorage::facts() const {
  plugin::StorageFacts f;
  f.capabilities = VBS_CAP_VOLATILE_EXPORTS | VBS_CAP_FENCE;
  if (config_.thin()) f.capabilities |= VBS_CAP_THIN | VBS_CAP_FAST_CLONE | VBS_CAP_REFLINK;
  if (target_->has_modes_side_by_side()) f.capabilities |= VBS_CAP_TARGET_RO;
  if (config_.thin() && target_->grows_in_use()) f.capabilities |= VBS_CAP_EXTEND_IN_USE;
  f.json = "{\"backend_id\":" + plugin::json_quoted(group_.backend_id()) +
           ",\"volume_group\":" + plugin::json_quoted(config_.group) + ",\"provisioning\":\"" +
           (config_.thin() ? "thin" : "thick") + "\"";
  if (config_.thin()) f.json += ",\"thin_pool\":" + plugin::json_quoted(config_.pool);
  f.json += ",\"target\":\"" + std::string(target_->name()) + "\",\"portals\":";
  f.json += portals_json(config_) + "}";
  return f;
}

plugin::Capacity LvmStorage::capacity(Call& call) { return capacity_of(config_, group_.look(call, {})); }

}  // namespace vbs::lvm

VBS_STORAGE_PLUGIN("storage_lvm_iscsi", "0.1.0", vbs::lvm::LvmStorage)
