#include <algorithm>
#include <thread>

#include "explain.hpp"
#include "kvm.hpp"
#include "leftovers.hpp"

namespace vbs::kvm {
namespace {

using plugin::Error;
using std::chrono::milliseconds;

constexpr int64_t poll_ms = 100;
constexpr int64_t forced_ms = 1000;          // a healthy guest needs 0.2 s
constexpr int64_t resend_ms = 5000;          // QEMU forgets an unplug request that the guest did not answer after 5 s
constexpr int64_t grace_ms = 1500;           // for a request that is under way already
constexpr int64_t keep_for_answer_ms = 300;  // of the call's time, so that BUSY is told rather than UNKNOWN

// The text of a refusal that only says "not yet".
bool still_under_way(const LibvirtError& e) {
  return e.message.find("in the process of unplug") != std::string::npos || e.code == VIR_ERR_OPERATION_TIMEOUT;
}

// The disk or the VM has gone in the meantime, which the next look will show.
bool gone_meanwhile(const LibvirtError& e) {
  return e.code == VIR_ERR_NO_DOMAIN || e.code == VIR_ERR_DEVICE_MISSING ||
         (e.code == VIR_ERR_OPERATION_INVALID && e.message.find("not running") != std::string::npos);
}

// Asks the guest, through QEMU, and does not wait: libvirt's answer says only that the request went out.
void ask_guest(Session& s, const DomainPtr& domain, const std::string& vm, const XmlDisk& disk) {
  try {
    s.change("ask for a disk back", [domain, alias = disk.alias] {
      return checked(virDomainDetachDeviceAlias(domain.get(), alias.c_str(), VIR_DOMAIN_AFFECT_LIVE));
    });
  } catch (const LibvirtError& e) {
    if (!still_under_way(e) && !gone_meanwhile(e)) explain_change(e, "detach", vm, disk.device);
  }
}

void undefine(Session& s, const DomainPtr& domain, const std::string& vm, const XmlDisk& disk) {
  try {
    s.change("take a disk out of a definition", [domain, xml = disk.xml] {
      return checked(virDomainDetachDeviceFlags(domain.get(), xml.c_str(), VIR_DOMAIN_AFFECT_CONFIG));
    });
  } catch (const LibvirtError& e) {
    if (!gone_meanwhile(e)) explain_change(e, "detach", vm, disk.device);
  }
}

std::string holds_on(const VmView& vm, const std::string& device, bool paused, int64_t waited_ms) {
  const std::string head =
      "VM " + vm.name + " still holds " + device + " after " + std::to_string(waited_ms / 1000) + " s: ";
  if (paused) return head + "it is paused; resume it, the disk goes then";
  return head +
         "the guest does not let go; unmount it in the guest, or wait if the guest is still booting, then repeat";
}

bool is_paused(Session& s, const DomainPtr& domain) {
  return s.ask("tell the state of a VM", [domain] {
    int state = 0;
    return virDomainGetState(domain.get(), &state, nullptr, 0) == 0 && state == VIR_DOMAIN_PAUSED;
  });
}

}  // namespace

void Kvm::detach(plugin::Call& call, const plugin::DetachArgs& args) {
  const auto start_ms = call.remaining_ms();
  const auto patience_ms = std::min<int64_t>(args.force ? forced_ms : config_.detach_timeout_s * int64_t{1000},
                                             std::max<int64_t>(start_ms - keep_for_answer_ms, 0));
  std::optional<int64_t> sent_ms;  // by the call's remaining time
  // Asked by an earlier call: a guest that was resumed or has booted meanwhile lets go by itself.
  if (unplugs_.pending(args.vm_uuid, args.serial)) sent_ms = start_ms + resend_ms - grace_ms;
  bool cut_off = call.epoch() > 1;  // an attach or a detach before this
  connection_.run(call, [&](Session& s) {
    for (bool first = true;; first = false) {
      const auto domain = s.find(args.vm_uuid);
      const auto vm = domain ? read_view(s, domain) : std::nullopt;
      if (!vm) {
        unplugs_.settled(args.vm_uuid, args.serial);
        return forget_secret(s, secret_usage(args.vm_uuid, args.serial));
      }
      if (first && cut_off) clear_leftovers(s, host_, domain, args.serial, config_.detach_timeout_s);
      cut_off = true;
      const auto* live = vm->live ? vm->live->by_serial(args.serial) : nullptr;
      const auto* defined = vm->definition ? vm->definition->by_serial(args.serial) : nullptr;
      if (!live) unplugs_.settled(args.vm_uuid, args.serial);
      if (!live && !defined) return forget_secret(s, secret_usage(args.vm_uuid, args.serial));
      // The definition is last: while the guest holds the disk the attachment is whole, and stays so over a restart.
      // Forced, it is first: the VM shall not come back with the disk.
      if (defined && (!live || args.force)) {
        undefine(s, domain, vm->name, *defined);
        call.log(VBS_LOG_INFO, "removed " + args.serial + " from the definition of VM " + vm->name);
        if (!live) continue;
      }
      const auto waited_ms = start_ms - call.remaining_ms();
      if (sent_ms && waited_ms >= patience_ms) {
        throw Error(VBS_BUSY, holds_on(*vm, live->device, is_paused(s, domain), waited_ms));
      }
      if (call.cancelled()) {
        if (!sent_ms) throw Error(VBS_CANCELLED, "cancelled on request");
        throw Error(VBS_UNKNOWN, "cancelled after the guest was asked to let go of " + live->device);
      }
      const bool due = sent_ms && *sent_ms - call.remaining_ms() >= resend_ms;
      if (!sent_ms || (due && !is_paused(s, domain))) {
        unplugs_.asked(args.vm_uuid, args.serial);
        ask_guest(s, domain, vm->name, *live);
        sent_ms = call.remaining_ms();
      } else {
        std::this_thread::sleep_for(milliseconds(poll_ms));
      }
    }
  });
}

}  // namespace vbs::kvm
