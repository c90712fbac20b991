// SPDX-License-Identifier: MIT
//
// tgt, a target in user space, by tgtadm's patterns. Its portals are tgtd's own (tgtd --iscsi portal=ADDRESS:PORT), the
// same for all targets; the configuration's are what hosts are told.
//
// What it cannot do, and this driver declares: read-only belongs to the LUN, so a volume is exported either to readers
// or to writers (VBS_CONFLICT for the other mode: a second target for the same device would let a reader's cache go
// stale without anybody's knowing); and a LUN keeps the size that it had when it was made. CHAP users belong to the
// target, not to an initiator: whoever has the name and secret of one export and an initiator name of another gets in.
// The secret is an argument of tgtadm, which the server's other users see in /proc for that moment; tgtadm knows no
// other way.
#pragma once
#include <mutex>
#include <optional>

#include "target.hpp"
#include "tgt_report.hpp"

namespace vbs::lvm {

class Tgt final : public Target {
 public:
  Tgt(plugin::Host host, const Config& config) : host_(host), config_(config) {}

  const char* name() const override { return "tgt"; }
  bool has_modes_side_by_side() const override { return false; }
  bool grows_in_use() const override { return false; }
  void prepare(plugin::Call&) override;
  void grant(plugin::Call&, const std::string& volume_id, const std::string& device, const Access&) override;
  void revoke(plugin::Call&, const std::string& volume_id, const std::string& initiator,
              const std::string& user) override;
  bool has_session(plugin::Call&, const std::string& volume_id, const std::string& initiator) override;

 private:
  using Parameters = std::vector<std::pair<std::string_view, std::string_view>>;
  void run(plugin::Call&, const char* command, const Parameters&) const;
  std::vector<TgtTarget> targets(plugin::Call&) const;
  std::optional<TgtTarget> find(plugin::Call&, const std::string& volume_id) const;
  TgtTarget make_target(plugin::Call&, const std::string& volume_id) const;
  void make_unit(plugin::Call&, TgtTarget&, const std::string& volume_id, const std::string& device,
                 const Access&) const;
  void unbind_user(plugin::Call&, const TgtTarget&, const std::string& user) const;
  void cut_sessions(plugin::Call&, const std::string& volume_id, const std::string& initiator) const;

  const plugin::Host host_;
  const Config& config_;
  std::mutex mutex_;  // target numbers are chosen among all
};

}  // namespace vbs::lvm
