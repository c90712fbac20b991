// SPDX-License-Identifier: MIT
//
// The seam between the plugin and whatever serves iSCSI: LIO in the kernel (lio.hpp), tgt in user space (tgt.hpp).
// One target per volume, IQN-PREFIX:VOLUME-ID, one LUN in it (kLun), on every portal; one access per host initiator,
// with CHAP user and secret of its own, read-only where it says so. Serial number and WWN come from the volume id.
//
// None of it outlives the server's reboot: the core asks for each export again (VBS_CAP_VOLATILE_EXPORTS).
//
// Threading: every method from any thread; calls for one volume wait for each other. Every method is idempotent and
// ends right from each half-done state that a killed call leaves. Errors: throws Error; never with a secret in it.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "config.hpp"
#include "vbs/plugin/plugin.hpp"

namespace vbs::lvm {

constexpr unsigned kLun = 1;  // tgt keeps 0 for its controller

struct Access {
  std::string initiator;     // as check_initiator() passes it
  std::string user, secret;  // CHAP, one way: the target asks the initiator
  bool read_only = true;
};

class Target {
 public:
  Target() = default;
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;
  virtual ~Target() = default;

  virtual const char* name() const = 0;
  // Whether a volume may have read-only and writable accesses at once, and grow while it has any.
  virtual bool has_modes_side_by_side() const = 0;
  virtual bool grows_in_use() const = 0;
  // Once, when the back-end is opened: is it there? VBS_UNAVAILABLE with what to do.
  virtual void prepare(plugin::Call&) = 0;
  // The volume's device is reachable for that initiator, in that mode; a mode that was another before is changed.
  // VBS_CONFLICT if the initiator has access to the volume as another user: two hosts of one name.
  virtual void grant(plugin::Call&, const std::string& volume_id, const std::string& device, const Access&) = 0;
  // The initiator's sessions are cut and it cannot come back; with the last access the target goes, too. An access as
  // another user stays.
  virtual void revoke(plugin::Call&, const std::string& volume_id, const std::string& initiator,
                      const std::string& user) = 0;
  virtual bool has_session(plugin::Call&, const std::string& volume_id, const std::string& initiator) = 0;
};

std::unique_ptr<Target> make_target(plugin::Host, const Config&);

std::string target_name(const Config&, const std::string& volume_id);

// An iSCSI name (RFC 7143, 4.2.7): iqn., eui. or naa., lower case, 223 bytes. It becomes part of a path and of argument
// vectors. Throws VBS_INVALID.
void check_initiator(const std::string& initiator);
// 12 to 64 characters of A-Z a-z 0-9 . _ - (Windows' initiator wants 12 to 16).
void check_secret(const std::string& secret);

// One at a time for each volume; different volumes may share a lock.
class VolumeLocks {
 public:
  std::unique_lock<std::mutex> lock(const std::string& volume_id) {
    return std::unique_lock(locks_[std::hash<std::string>()(volume_id) % locks_.size()]);
  }

 private:
  std::array<std::mutex, 64> locks_;
};

}  // namespace vbs::lvm
