// SPDX-License-Identifier: MIT
//
// LIO, the kernel's target, by plain writes into configfs (kernel's Documentation/target): no daemon, no D-Bus, and
// each step is one system call. What one volume has there, below the root (/sys/kernel/config/target):
//
//   core/iblock_827/VOLUME                       the backstore: a block device
//   iscsi/PREFIX:VOLUME/tpgt_1/lun/lun_1         its LUN
//                             /np/ADDRESS:PORT   its portals
//                             /acls/INITIATOR    who may log in, with user and secret, and below it
//                               /lun_1           the mapped LUN, write-protected or not
//
// Demo mode is off: who has no ACL sees no target. New mapped LUNs begin write-protected (prod_mode_write_protect), so
// there is no moment at which a read-only initiator could write.
// Write cache: the backstore tells initiators what the device below tells it, and passes SYNCHRONIZE CACHE on as a
// flush; emulate_write_cache belongs to other kinds of backstores and stays off. Other objects in there, made with
// targetcli, say, are left alone.
#pragma once
#include "configfs.hpp"
#include "target.hpp"

namespace vbs::lvm {

class Lio final : public Target {
 public:
  Lio(plugin::Host host, const Config& config, std::unique_ptr<ConfigFs> fs = std::make_unique<ConfigFs>());

  const char* name() const override { return "lio"; }
  bool has_modes_side_by_side() const override { return true; }
  bool grows_in_use() const override { return true; }  // each READ CAPACITY asks the device
  void prepare(plugin::Call&) override;
  void grant(plugin::Call&, const std::string& volume_id, const std::string& device, const Access&) override;
  void revoke(plugin::Call&, const std::string& volume_id, const std::string& initiator,
              const std::string& user) override;
  bool has_session(plugin::Call&, const std::string& volume_id, const std::string& initiator) override;

 private:
  std::string backstore(const std::string& volume_id) const;
  std::string portal_group(const std::string& volume_id) const;
  void make_backstore(const std::string& volume_id, const std::string& device);
  void make_portal_group(const std::string& volume_id);
  std::string acl_of(const std::string& volume_id, const std::string& initiator) const;
  void check_user(const std::string& volume_id, const Access&) const;
  void make_acl(const std::string& volume_id, const Access&);
  void remove_target(const std::string& volume_id);

  const plugin::Host host_;
  const Config& config_;
  const std::unique_ptr<ConfigFs> fs_;
  VolumeLocks locks_;
};

}  // namespace vbs::lvm
