#include "core/service/vm_watch.hpp"

#include <map>
#include <set>

#include "core/base/log.hpp"
#include "core/service/attachments.hpp"
#include "core/service/plugin_calls.hpp"

namespace vbs {

void free_gone_vms(Core& core) {
  std::map<std::string, std::vector<store::AttachmentRow>> by_host;
  core.database.read([&](store::Session& db) {
    store::Filter all;
    all.limit = 1u << 30;
    for (auto& a : store::list_attachments(db, all))
      if (a.state == "attached") by_host[a.host_id].push_back(std::move(a));
  });
  for (const auto& [host_id, attachments] : by_host) try {
      auto& host = core.registry.host(host_id);
      std::set<std::string> there;
      for (const auto& vm : on_host<std::vector<Vm>>(host, [](Hypervisor&h, const Call&c) { return h.list_vms(c); }))
        there.insert(vm.uuid);
      for (const auto& a : attachments) {
        if (there.count(a.vm_uuid)) continue;
        logger().info("VM {} ({}) is gone from host {}: its attachment of volume {} ends", a.vm_name, a.vm_uuid,
                      host.row.name, a.volume_id);
        end_attachment(core, "vm-watch", a.id, a.volume_id);
      }
    } catch (const Error& e) {
      logger().debug("VMs of a host could not be looked at: {}", e.what());
    }
}
}  // namespace vbs
