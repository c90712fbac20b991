// Quiesce and thaw, by the guest agent (QEMU's qemu-ga in the guest, a virtio channel org.qemu.guest_agent.0).
#include "explain.hpp"
#include "kvm.hpp"

namespace vbs::kvm {

using plugin::Error;

void Kvm::quiesce(plugin::Call& call, std::string_view vm_uuid) {
  const std::string uuid(vm_uuid);
  connection_.run(call, [&](Session& s) {
    const auto domain = require(s, uuid);
    const auto vm = require_view(s, domain, uuid);
    if (!vm.live) return;  // nothing of it is in flight
    if (!vm.live->agent) {
      throw Error(VBS_NOT_SUPPORTED, "no guest agent answers in VM " + vm.name +
                                         ": install qemu-guest-agent there, and give it the channel "
                                         "org.qemu.guest_agent.0");
    }
    try {
      s.change("freeze the file systems of a guest",
               [domain] { return checked(virDomainFSFreeze(domain.get(), nullptr, 0, 0)); });
      call.log(VBS_LOG_DEBUG, "froze the file systems of VM " + vm.name);
    } catch (const LibvirtError& e) {
      explain_change(e, "freeze", vm.name, "the file systems");
    }
  });
}

void Kvm::thaw(plugin::Call& call, std::string_view vm_uuid) {
  const std::string uuid(vm_uuid);
  connection_.run(call, [&](Session& s) {
    const auto domain = s.find(uuid);
    const auto vm = domain ? read_view(s, domain) : std::nullopt;
    // Without an agent nobody has frozen it. One that went away does not come back frozen: only its end loses the
    // channel.
    if (!vm || !vm->live || !vm->live->agent) return;
    try {
      s.change("thaw the file systems of a guest",
               [domain] { return checked(virDomainFSThaw(domain.get(), nullptr, 0, 0)); });
    } catch (const LibvirtError& e) {
      explain_change(e, "thaw", vm->name, "the file systems");
    }
  });
}

}  // namespace vbs::kvm
