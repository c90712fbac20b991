#include <algorithm>

#include "explain.hpp"
#include "kvm.hpp"
#include "leftovers.hpp"

namespace vbs::kvm {
namespace {

constexpr unsigned live_flag = VIR_DOMAIN_AFFECT_LIVE;
constexpr unsigned config_flag = VIR_DOMAIN_AFFECT_CONFIG;

}  // namespace

plugin::Disk Kvm::attach(plugin::Call& call, const plugin::AttachArgs& args) {
  const auto spec = check_disk(host_, args);
  bool cut_off = call.epoch() > 1;  // an earlier try may have been
  return connection_.run(call, [&](Session& s) {
    const auto domain = require(s, args.vm_uuid);
    if (cut_off) clear_leftovers(s, host_, domain, spec.serial, config_.detach_timeout_s);
    cut_off = true;
    const auto before = require_view(s, domain, args.vm_uuid);
    const auto plan = plan_attach(before, spec, args.device, config_);
    // Both at once where both are missing: libvirt then checks the definition's part before it plugs anything in.
    const unsigned flags = (plan.live ? live_flag : 0) | (plan.definition ? config_flag : 0);
    if (flags != 0) {
      if (spec.iscsi) keep_secret(s, secret_usage(args.vm_uuid, spec.serial), spec.iscsi->secret);
      try {
        s.change("attach a disk", [domain, flags, xml = disk_xml(spec, plan.device, config_)] {
          return checked(virDomainAttachDeviceFlags(domain.get(), xml.c_str(), flags));
        });
      } catch (const LibvirtError& e) {
        explain_attach(e, before.name, spec.top.path, config_.cache);
      }
      unplugs_.settled(args.vm_uuid, spec.serial);
      call.log(VBS_LOG_INFO, "attached " + spec.serial + " to VM " + before.name + " as " + plan.device);
    }
    const auto disks = read_disks(s, domain, require_view(s, domain, args.vm_uuid));
    const auto there = std::find_if(disks.begin(), disks.end(), [&](const auto& d) { return d.serial == spec.serial; });
    const uint32_t expected = (before.live ? VBS_DISK_LIVE : 0U) | (before.definition ? VBS_DISK_PERSISTENT : 0U);
    if (there == disks.end() || (there->where & expected) != expected) {
      throw plugin::Error(VBS_UNKNOWN,
                          "VM " + before.name + " changed while " + spec.serial + " was attached: look again");
    }
    return *there;
  });
}

}  // namespace vbs::kvm
