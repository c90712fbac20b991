// SPDX-License-Identifier: MIT
#include "lio.hpp"

#include "vbs/plugin/storage.hpp"

namespace vbs::lvm {
namespace {
using plugin::Call;
using plugin::Error;

constexpr const char* kAdapter = "/core/iblock_827";  // targetcli counts its own from 0
const std::string kLunName = "lun_" + std::to_string(kLun);
}  // namespace

Lio::Lio(plugin::Host host, const Config& config, std::unique_ptr<ConfigFs> fs)
    : host_(host), config_(config), fs_(std::move(fs)) {}

std::string Lio::backstore(const std::string& volume_id) const { return config_.lio_root + kAdapter + "/" + volume_id; }
std::string Lio::portal_group(const std::string& volume_id) const {
  return config_.lio_root + "/iscsi/" + target_name(config_, volume_id) + "/tpgt_1";
}

std::string Lio::acl_of(const std::string& volume_id, const std::string& initiator) const {
  return portal_group(volume_id) + "/acls/" + initiator;
}

void Lio::prepare(Call& call) {
  try {
    for (const char* module : {"target_core_mod", "iscsi_target_mod", "target_core_iblock"})
      if (!fs_->exists(config_.lio_root + "/core") || !fs_->exists(config_.lio_root + "/iscsi"))
        host_.run(call, "load_module", {{"module", module}});
    fs_->make_dir(config_.lio_root + "/iscsi");
    fs_->make_dir(config_.lio_root + kAdapter);
  } catch (const Error& e) {
    throw Error(VBS_UNAVAILABLE, std::string("the kernel's iSCSI target (LIO) is not there: ") + e.what() +
                                     "; it needs root, configfs mounted and a kernel with iscsi_target_mod");
  }
}

void Lio::grant(Call& call, const std::string& volume_id, const std::string& device, const Access& access) {
  const auto lock = locks_.lock(volume_id);
  call.check();
  check_user(volume_id, access);
  make_backstore(volume_id, device);
  make_portal_group(volume_id);
  make_acl(volume_id, access);
  fs_->set(portal_group(volume_id) + "/enable", "1");  // last: whoever gets in finds all of it
}

void Lio::make_backstore(const std::string& volume_id, const std::string& device) {
  const auto store = backstore(volume_id);
  if (fs_->exists(store) && fs_->read(store + "/enable") == "1") {
    if (fs_->read(store + "/udev_path") == device) return;
    // A revert gave the volume another device.
    if (!fs_->directories(portal_group(volume_id) + "/acls").empty())
      throw Error(VBS_CONFLICT, "volume " + volume_id + " is exported as " + fs_->read(store + "/udev_path") +
                                    ", not as " + device + ": detach it everywhere first");
    remove_target(volume_id);
  }
  fs_->make_dir(config_.lio_root + kAdapter);
  fs_->make_dir(store);
  fs_->write(store + "/control", "udev_path=" + device);
  fs_->write(store + "/udev_path", device);
  // Initiators tell disks apart by it; the WWN (NAA, VPD page 0x83) is made of it by the kernel.
  fs_->write(store + "/wwn/vpd_unit_serial", volume_id);
  fs_->write(store + "/enable", "1");
}

void Lio::make_portal_group(const std::string& volume_id) {
  const auto group = portal_group(volume_id);
  fs_->make_dir(config_.lio_root + "/iscsi");
  fs_->make_dir(group.substr(0, group.rfind('/')));
  fs_->make_dir(group);
  fs_->set(group + "/attrib/authentication", "1");
  fs_->set(group + "/attrib/generate_node_acls", "0");
  fs_->set(group + "/attrib/cache_dynamic_acls", "0");
  fs_->set(group + "/attrib/demo_mode_discovery", "0");
  fs_->set(group + "/attrib/prod_mode_write_protect", "1");
  fs_->set(group + "/param/AuthMethod", "CHAP");
  fs_->make_dir(group + "/lun/" + kLunName);
  fs_->link(backstore(volume_id), group + "/lun/" + kLunName + "/" + volume_id);
  for (const auto& portal : config_.portals) {
    try {
      fs_->make_dir(group + "/np/" + portal);
    } catch (const Error& e) {
      throw Error(VBS_UNAVAILABLE, "portal " + portal + " cannot be opened (" + e.what() +
                                       "): does this server have that address, and is the port free?");
    }
  }
}

// LIO knows initiators by their names alone: the second host's secret would replace the first one's.
void Lio::check_user(const std::string& volume_id, const Access& access) const {
  const auto user = fs_->read(acl_of(volume_id, access.initiator) + "/auth/userid");
  if (user.empty() || user == access.user) return;
  throw Error(VBS_CONFLICT, "initiator " + access.initiator + " has access to volume " + volume_id +
                                " through another export (" + user +
                                "): give each host an initiator name of its own, or take that export back first");
}

void Lio::make_acl(const std::string& volume_id, const Access& access) {
  const auto group = portal_group(volume_id);
  const auto acl = acl_of(volume_id, access.initiator);
  fs_->make_dir(acl);
  fs_->set(acl + "/auth/userid", access.user);
  fs_->set(acl + "/auth/password", access.secret);
  const auto mapped = acl + "/" + kLunName;
  fs_->make_dir(mapped);
  fs_->link(group + "/lun/" + kLunName, mapped + "/" + kLunName);
  fs_->set(mapped + "/write_protect", access.read_only ? "1" : "0");
}

void Lio::revoke(Call& call, const std::string& volume_id, const std::string& initiator, const std::string& user) {
  const auto lock = locks_.lock(volume_id);
  call.check();
  const auto acl = acl_of(volume_id, initiator);
  const auto current = fs_->read(acl + "/auth/userid");
  if (current.empty() || current == user) {
    const auto mapped = acl + "/" + kLunName;
    for (const auto& link : fs_->links(mapped)) fs_->unlink(mapped + "/" + link);
    fs_->remove_dir(mapped);
    fs_->remove_dir(acl);  // the kernel cuts the sessions, and comes back when they are gone
  }
  if (fs_->directories(portal_group(volume_id) + "/acls").empty()) remove_target(volume_id);
}

void Lio::remove_target(const std::string& volume_id) {
  const auto group = portal_group(volume_id);
  if (fs_->exists(group)) {
    fs_->set(group + "/enable", "0");
    const auto lun = group + "/lun/" + kLunName;
    for (const auto& link : fs_->links(lun)) fs_->unlink(lun + "/" + link);
    fs_->remove_dir(lun);
    for (const auto& portal : fs_->directories(group + "/np")) fs_->remove_dir(group + "/np/" + portal);
    fs_->remove_dir(group);
  }
  fs_->remove_dir(group.substr(0, group.rfind('/')));
  fs_->remove_dir(backstore(volume_id));
}

bool Lio::has_session(Call&, const std::string& volume_id, const std::string& initiator) {
  const auto info = fs_->read(acl_of(volume_id, initiator) + "/info");
  return !info.empty() && !info.starts_with("No active iSCSI Session");
}

}  // namespace vbs::lvm
