#include "explain.hpp"

namespace vbs::kvm {
namespace {

using plugin::Error;

bool has(const LibvirtError& e, const char* text) { return e.message.find(text) != std::string::npos; }

void explain_common(const LibvirtError& e, const std::string& vm) {
  if (e.code == VIR_ERR_NO_DOMAIN) {
    throw Error(VBS_NOT_FOUND, "VM " + vm + " is gone: it was undefined, or was transient and has ended");
  }
  if (e.code == VIR_ERR_OPERATION_TIMEOUT) {
    throw Error(VBS_BUSY, "libvirt is busy with VM " + vm + " (" + e.message +
                              "): wait for its job to end; virsh domjobinfo shows it");
  }
  if (e.code == VIR_ERR_OPERATION_INVALID && has(e, "not running")) {
    throw Error(VBS_BUSY, "VM " + vm + " was stopped in the meantime: start it first");
  }
  if (e.code == VIR_ERR_ACCESS_DENIED || e.code == VIR_ERR_OPERATION_DENIED) {
    throw Error(VBS_DENIED,
                "libvirt refuses to change VM " + vm + ": " + e.message + "; the connection needs write access");
  }
}

}  // namespace

void explain_attach(const LibvirtError& e, const std::string& vm, const std::string& path, const std::string& cache) {
  explain_common(e, vm);
  if (has(e, "No more available PCI slots") || has(e, "no free slot") || has(e, "out of PCI")) {
    throw Error(VBS_CONFLICT, "VM " + vm +
                                  " has no free PCI slot for another disk: add <controller type='pci' "
                                  "model='pcie-root-port'/> to its definition and start it anew, or use bus scsi");
  }
  if (has(e, "already exists") && has(e, "target")) {
    throw Error(VBS_CONFLICT, "VM " + vm + ": " + e.message + "; name another device or none");
  }
  if (has(e, "Failed to get \"")) {
    throw Error(VBS_BUSY, "another process has " + path + " open in a way that forbids this (" + e.message +
                              "): find the VM or tool that uses it");
  }
  if (has(e, "O_DIRECT")) {
    throw Error(VBS_NOT_SUPPORTED, "the file system of " + path + " has no O_DIRECT, which cache " + cache +
                                       " needs: set cache to writeback, where the guest's flush still reaches storage");
  }
  if (has(e, "No such file or directory")) {
    throw Error(VBS_UNAVAILABLE, path + " or a file under it is not there for libvirtd on this node (" + e.message +
                                     "): is the file system mounted, and was it before libvirtd started?");
  }
  if (has(e, "Permission denied")) {
    throw Error(VBS_DENIED,
                "QEMU may not open " + path + " (" + e.message +
                    "): check its owner against user and group in libvirt's qemu.conf (vbs-hv-kvm(7), file_owner), the "
                    "directories above it, and AppArmor or SELinux");
  }
  if (path.starts_with("iscsi:") && (has(e, "iSCSI") || has(e, "iscsi"))) {
    throw Error(VBS_UNAVAILABLE, "QEMU cannot log in to " + path + ": " + e.message +
                                     "; is the target up, and does it know this host's initiator and secret?");
  }
  throw Error(VBS_INTERNAL, "libvirt did not attach " + path + " to VM " + vm + ": " + e.message);
}

void explain_change(const LibvirtError& e, const char* verb, const std::string& vm, const std::string& device) {
  explain_common(e, vm);
  throw Error(VBS_INTERNAL, "libvirt did not " + std::string(verb) + " " + device + " of VM " + vm + ": " + e.message);
}

}  // namespace vbs::kvm
