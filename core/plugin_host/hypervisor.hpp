// A hypervisor of one VMM node as the core sees it; contract of each call in include/vbs/plugin/hypervisor.h.
// Threading and errors as in storage_backend.hpp.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/plugin_host/storage_backend.hpp"

namespace vbs {

enum class VmState { other = 0, running = 1, paused = 2, shut_off = 3 };
const char* to_string(VmState);

struct Vm {
  std::string uuid, name;
  VmState state = VmState::other;
  bool persistent = false;
};

struct Disk {
  Mode mode = Mode::ro;
  std::string serial, device, path;
  bool live = false, persistent = false;
  uint64_t size_bytes = 0;
};

struct DiskSpec {
  std::string vm_uuid, serial, device;  // device empty: next free
  Mode mode = Mode::ro;
  bool shared = false;
  Source source;
};

class Hypervisor {
 public:
  virtual ~Hypervisor() = default;
  // Called whenever the instance had to be opened again by itself (its delegate was started anew), before other calls.
  virtual void after_reopen(std::function<void()> hook) { (void)hook; }
  virtual InstanceFacts facts(const Call&) = 0;
  virtual std::vector<Vm> list_vms(const Call&) = 0;
  virtual Vm find_vm(const Call&, const std::string& name_or_uuid) = 0;  // Error(not_found)
  virtual Disk attach(const Call&, const DiskSpec&) = 0;
  virtual void detach(const Call&, const std::string& vm_uuid, const std::string& serial, bool force) = 0;
  virtual std::vector<Disk> inspect(const Call&, const std::string& vm_uuid) = 0;
  virtual void resize(const Call&, const std::string& vm_uuid, const std::string& serial, uint64_t size_bytes) = 0;
  // Optional in a plugin: Error(not_supported) where it does not have them.
  virtual void quiesce(const Call&, const std::string& vm_uuid) = 0;
  virtual void thaw(const Call&, const std::string& vm_uuid) = 0;
  virtual Disk switch_image(const Call&, const DiskSpec&) = 0;  // Error(not_found): no such VM, or not with this disk
  virtual void stream(const Call&, const std::string& vm_uuid, const std::string& serial) = 0;  // all files under it
  virtual void stream_stop(const Call&, const std::string& vm_uuid, const std::string& serial) = 0;
};

}  // namespace vbs
