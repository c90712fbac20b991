// Remembers which disks a guest has been asked to give back and has not yet, so that it is not asked again without
// need: libvirtd 9.0.0 dies (qemuDomainDetachDeviceLive audits a disk that it has freed) of a request for a device that
// QEMU has just deleted and libvirt still lists, which is where a repeat meets a guest that is letting go. Losing this
// memory with the process costs that protection, nothing else: what is true is always read from libvirt. Threading: any
// thread.
#pragma once
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace vbs::kvm {

class Unplugs {
 public:
  void asked(const std::string& vm_uuid, const std::string& serial) {
    const std::lock_guard lock(mutex_);
    pending_.emplace(vm_uuid, serial);
  }
  void settled(const std::string& vm_uuid, const std::string& serial) {
    const std::lock_guard lock(mutex_);
    pending_.erase({vm_uuid, serial});
  }
  bool pending(const std::string& vm_uuid, const std::string& serial) const {
    const std::lock_guard lock(mutex_);
    return pending_.count({vm_uuid, serial}) != 0;
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::pair<std::string, std::string>> pending_;
};

}  // namespace vbs::kvm
