// switch_image: a running VM goes over to an overlay that stands on the file that it has. Live by an external snapshot
// of that one disk without metadata (libvirt then knows nothing of a snapshot, only of the new file), in the definition
// by an update. What the disk has now decides what is left to do, so a call may be repeated wherever it broke off.
#include <algorithm>

#include "explain.hpp"
#include "kvm.hpp"

namespace vbs::kvm {
namespace {

using plugin::Error;

// The overlay continues exactly one file; over any other it would show the guest a mixture of two disks.
void check_goes_on(const VmView& vm, const XmlDisk& disk, const DiskSpec& spec) {
  const auto& under = spec.backing.empty() ? Image{} : spec.backing.front();
  if (disk.path == under.path && disk.format == under.format && disk.read_only == spec.read_only) return;
  throw Error(VBS_CONFLICT, "VM " + vm.name + " has volume " + spec.serial + " from " + disk.path + " (" + disk.format +
                                "), but " + spec.top.path + " goes on from " +
                                (under.path.empty() ? "nothing" : under.path + " (" + under.format + ")") +
                                ": detach and attach the volume");
}

bool is_whole(const XmlDisk& disk, const DiskSpec& spec) {
  return disk.path == spec.top.path && disk.format == spec.top.format &&
         std::equal(disk.backing.begin(), disk.backing.end(), spec.backing.begin(), spec.backing.end(),
                    [](const std::string& path, const Image& image) { return path == image.path; });
}

void switch_live(Session& s, const DomainPtr& domain, const VmView& vm, const XmlDisk& disk, const DiskSpec& spec,
                 const Config& config) {
  check_goes_on(vm, disk, spec);
  constexpr unsigned flags = VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY | VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT |
                             VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA | VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC;
  try {
    s.change("switch a disk to a new file", [domain, xml = switch_xml(vm.live->disks, disk.device, spec, config)] {
      auto* snapshot = checked(virDomainSnapshotCreateXML(domain.get(), xml.c_str(), flags));
      return virDomainSnapshotFree(snapshot);
    });
  } catch (const LibvirtError& e) {
    explain_change(e, "switch", vm.name, disk.device + " to " + spec.top.path);
  }
}

void switch_definition(Session& s, const DomainPtr& domain, const VmView& vm, const XmlDisk& disk, const DiskSpec& spec,
                       const Config& config) {
  if (disk.path != spec.top.path) check_goes_on(vm, disk, spec);
  try {
    s.change("write a disk's new file into a definition", [domain, xml = switched_xml(disk.xml, spec, config)] {
      return checked(virDomainUpdateDeviceFlags(domain.get(), xml.c_str(), VIR_DOMAIN_AFFECT_CONFIG));
    });
  } catch (const LibvirtError& e) {
    explain_change(e, "switch", vm.name, disk.device + " of the definition to " + spec.top.path);
  }
}

}  // namespace

plugin::Disk Kvm::switch_image(plugin::Call& call, const plugin::AttachArgs& args) {
  const auto spec = check_disk(host_, args);
  return connection_.run(call, [&](Session& s) {
    const auto domain = require(s, args.vm_uuid);
    auto vm = require_view(s, domain, args.vm_uuid);
    if (!vm.disk(spec.serial)) throw Error(VBS_NOT_FOUND, "VM " + vm.name + " has no disk with serial " + spec.serial);
    if (const auto* live = vm.live ? vm.live->by_serial(spec.serial) : nullptr; live && live->path != spec.top.path) {
      switch_live(s, domain, vm, *live, spec, config_);
      call.log(VBS_LOG_INFO, "VM " + vm.name + " writes " + live->device + " to " + spec.top.path + " from now on");
      vm = require_view(s, domain, args.vm_uuid);
    }
    // libvirt takes the new file into the definition itself, but leaves the chain under it to be looked for.
    if (const auto* defined = vm.definition ? vm.definition->by_serial(spec.serial) : nullptr;
        defined && !is_whole(*defined, spec)) {
      switch_definition(s, domain, vm, *defined, spec, config_);
    }
    const auto disks = read_disks(s, domain, require_view(s, domain, args.vm_uuid));
    const auto there = std::find_if(disks.begin(), disks.end(), [&](const auto& d) { return d.serial == spec.serial; });
    if (there == disks.end() || there->path != spec.top.path) {
      throw Error(VBS_UNKNOWN, "VM " + vm.name + " changed while " + spec.serial + " was switched: look again");
    }
    return *there;
  });
}

}  // namespace vbs::kvm
