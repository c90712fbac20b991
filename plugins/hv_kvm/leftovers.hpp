// What a libvirtd that died in the middle of an attach has left in QEMU: a disk that the guest sees and may write to,
// and open images, of which the libvirtd after it knows nothing (9.0.0 writes its status down when all is done). To
// libvirt the disk is not there and the volume is free; it is neither, and every further attach to that VM fails with
// "Duplicate nodes". So where an earlier try may have been cut off, QEMU itself is asked, by libvirt's monitor command,
// which marks the domain as tainted (custom-monitor). That is why it is not asked each time.
#pragma once
#include <string>

#include "connection.hpp"
#include "domain_xml.hpp"

namespace vbs::kvm {

// Takes the disk with that serial out of a VM that runs, if QEMU has it and libvirt does not, and closes images that no
// disk uses. Does nothing where libvirt knows the disk. Throws Error(VBS_UNKNOWN) if the guest does not let go within
// `patience_s`: the disk is still there then, and nobody may call the volume free.
void clear_leftovers(Session& session, const plugin::Host& host, const DomainPtr& domain, const std::string& serial,
                     unsigned patience_s);

}  // namespace vbs::kvm
