// Sources of kind "iscsi": QEMU logs in itself (libiscsi), so that the node needs no initiator of its own. The CHAP
// password stays out of the domain's XML: libvirt keeps it as a secret of its own, one a VM and disk, and hands it to
// QEMU (https://libvirt.org/formatsecret.html).
#pragma once
#include <string>

#include "connection.hpp"
#include "vbs/plugin/hypervisor.hpp"

namespace vbs::kvm {

struct IscsiSource {
  std::string name;  // IQN/LUN, as libvirt and QEMU write it
  std::string address, port;
  std::string user, initiator;
  std::string secret;  // never in XML or a message
};

// Throws Error(VBS_INVALID) naming the member. QEMU takes one portal: the first.
IscsiSource read_iscsi(const plugin::Host& host, const plugin::DiskSource& source);

// Under which a VM's disk finds its secret.
std::string secret_usage(const std::string& vm_uuid, const std::string& serial);

// Persistent as the VM's definition is, and unreadable through libvirt. Repeated: the value is set again.
void keep_secret(Session& session, const std::string& usage, const std::string& value);
void forget_secret(Session& session, const std::string& usage);  // also one that is not there

}  // namespace vbs::kvm
