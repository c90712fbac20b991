#include "plan.hpp"

#include <algorithm>

namespace vbs::kvm {
namespace {

using plugin::Error;

const char* mode(bool read_only) { return read_only ? "ro" : "rw"; }

const XmlDisk* holder(const VmView& vm, const std::string& device) {
  const auto* live = vm.live ? vm.live->by_device(device) : nullptr;
  return live || !vm.definition ? live : vm.definition->by_device(device);
}

// 0 -> a, 25 -> z, 26 -> aa: as the kernel's sd driver counts.
std::string letters(unsigned n) {
  std::string out;
  for (++n; n > 0; n = (n - 1) / 26) out.insert(out.begin(), static_cast<char>('a' + (n - 1) % 26));
  return out;
}

std::string checked_name(std::string wanted) {
  if (wanted.starts_with("/dev/")) wanted.erase(0, 5);
  const bool ok = (wanted.starts_with("vd") || wanted.starts_with("sd")) && wanted.size() > 2 && wanted.size() < 6 &&
                  std::all_of(wanted.begin() + 2, wanted.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  if (!ok) {
    throw Error(VBS_INVALID, "device \"" + wanted +
                                 "\" is no name for a disk of a KVM guest: use vdX (virtio) or sdX (virtio-scsi), "
                                 "with one to three letters for X, or leave it to the hypervisor");
  }
  return wanted;
}

std::string choose_device(const VmView& vm, const std::string& wanted, const Config& config) {
  if (!wanted.empty()) {
    auto name = checked_name(wanted);
    if (const auto* other = holder(vm, name)) {
      throw Error(VBS_CONFLICT, "device " + name + " of VM " + vm.name + " is taken by " +
                                    (other->path.empty() ? "a " + other->role + " without a local path" : other->path) +
                                    (other->serial.empty() ? "" : " (serial " + other->serial + ")") +
                                    ": name another device or none");
    }
    return name;
  }
  const std::string prefix = config.bus == "scsi" ? "sd" : "vd";
  for (unsigned n = 0;; ++n) {
    auto name = prefix + letters(n);
    if (!holder(vm, name)) return name;
  }
}

// Whether the disk that is there under this serial is the one asked for; throws if it is another.
bool same(const VmView& vm, const XmlDisk* there, const DiskSpec& spec) {
  if (!there) return false;
  if (there->path != spec.top.path || there->format != spec.top.format || there->read_only != spec.read_only) {
    throw Error(VBS_CONFLICT, "VM " + vm.name + " has volume " + spec.serial + " as " + there->device + " already, " +
                                  mode(there->read_only) + " from " + there->path + " (" + there->format +
                                  "), asked for is " + mode(spec.read_only) + " from " + spec.top.path + " (" +
                                  spec.top.format + "): detach it first");
  }
  return true;
}

}  // namespace

const XmlDisk* VmView::disk(std::string_view serial) const {
  const auto* found = live ? live->by_serial(serial) : nullptr;
  return found || !definition ? found : definition->by_serial(serial);
}

AttachPlan plan_attach(const VmView& vm, const DiskSpec& spec, const std::string& wanted, const Config& config) {
  const auto* live = vm.live ? vm.live->by_serial(spec.serial) : nullptr;
  const auto* defined = vm.definition ? vm.definition->by_serial(spec.serial) : nullptr;
  AttachPlan plan{
      .live = vm.live && !same(vm, live, spec), .definition = vm.definition && !same(vm, defined, spec), .device = ""};
  // All of it, a half (a crash in between), or nothing is there.
  const auto* there = live ? live : defined;
  if (there && !plan.live && !plan.definition) {
    plan.device = there->device;
    return plan;
  }
  if (!vm.live && !config.attach_shut_off) {
    throw Error(VBS_BUSY, "VM " + vm.name +
                              " is shut off: start it first, or set shut_off: definition to have disks "
                              "written into the definition of a VM that does not run");
  }
  // The other half gets the same name, unless that has been taken there.
  if (there && !(plan.live ? *vm.live : *vm.definition).by_device(there->device)) {
    plan.device = there->device;
  } else {
    plan.device = choose_device(vm, there ? "" : wanted, config);
  }
  const auto& xml = vm.live ? *vm.live : *vm.definition;
  if (plan.device.starts_with("sd") && !xml.virtio_scsi) {
    throw Error(VBS_NOT_SUPPORTED,
                "VM " + vm.name + " has no virtio-scsi controller for " + plan.device +
                    ": add <controller type='scsi' model='virtio-scsi'/> to its definition and start "
                    "it anew, or attach with bus virtio (vdX)");
  }
  return plan;
}

}  // namespace vbs::kvm
