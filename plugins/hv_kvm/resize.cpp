#include "explain.hpp"
#include "kvm.hpp"

namespace vbs::kvm {

using plugin::Error;

void Kvm::resize(plugin::Call& call, std::string_view vm_uuid, std::string_view serial, uint64_t size_bytes) {
  const std::string uuid(vm_uuid);
  const std::string id(serial);
  connection_.run(call, [&](Session& s) {
    const auto domain = require(s, uuid);
    const auto vm = require_view(s, domain, uuid);
    if (!vm.disk(id)) throw Error(VBS_NOT_FOUND, "VM " + vm.name + " has no disk with serial " + id);
    const auto* disk = vm.live ? vm.live->by_serial(id) : nullptr;
    if (!disk) return;  // only defined: the size is read when the VM starts
    const auto info = s.ask("measure a disk", [domain, device = disk->device] {
      virDomainBlockInfo i{};
      checked(virDomainGetBlockInfo(domain.get(), device.c_str(), &i, 0));
      return i;
    });
    const uint64_t now = info.capacity;
    if (now == size_bytes) return;
    const auto sizes = std::to_string(now) + " to " + std::to_string(size_bytes) + " bytes";
    if (now > size_bytes) {
      throw Error(VBS_INVALID, "disk " + disk->device + " of VM " + vm.name + " cannot shrink from " + sizes);
    }
    if (disk->read_only) {  // QEMU holds no right to resize it, and libvirt refuses
      throw Error(VBS_NOT_SUPPORTED, "VM " + vm.name + " has " + disk->device +
                                         " read-only and cannot be told that it grew from " + sizes +
                                         ": detach and attach it again, then the guest sees the new size");
    }
    // QEMU gives a raw file exactly the size it is told: a late notice must not cut what a newer extend has added.
    if (disk->format == "raw" && info.physical > size_bytes) {
      throw Error(VBS_INVALID, disk->path + " has " + std::to_string(info.physical) + " bytes by now: tell VM " +
                                   vm.name + " of that size instead of " + std::to_string(size_bytes));
    }
    try {
      s.change("resize a disk", [domain, device = disk->device, size_bytes] {
        return checked(virDomainBlockResize(domain.get(), device.c_str(), size_bytes, VIR_DOMAIN_BLOCK_RESIZE_BYTES));
      });
    } catch (const LibvirtError& e) {
      explain_change(e, "resize", vm.name, disk->device);
    }
  });
}

}  // namespace vbs::kvm
