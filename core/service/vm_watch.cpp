#include "core/service/vm_watch.hpp"

#include <set>

#include "core/base/log.hpp"
#include "core/service/attachments.hpp"
#include "core/service/plugin_calls.hpp"

namespace vbs {

std::optional<std::set<std::string>> vms_of_all_hosts(Core& core) {
  std::set<std::string> out;
  for (const auto& host : core.registry.hosts()) {
    if (host->config.hypervisor.empty()) continue;
    try {
      for (const auto& vm : on_host<std::vector<Vm>>(*host, [](Hypervisor&h, const Call&c) { return h.list_vms(c); }))
        out.insert(vm.uuid);
    } catch (const Error& e) {
      logger().debug("the VMs of host {} cannot be looked at: {}", host->row.name, e.what());
      return std::nullopt;
    }
  }
  return out;
}

void free_gone_vms(Core& core) {
  std::vector<store::AttachmentRow> attachments;
  core.database.read([&](store::Session& db) {
    store::Filter all;
    all.limit = 1u << 30;
    attachments = store::list_attachments(db, all);
  });
  std::erase_if(attachments, [](const auto& a) { return a.state != "attached"; });
  if (attachments.empty()) return;
  const auto there = vms_of_all_hosts(core);
  if (!there) return;
  for (const auto& a : attachments) {
    if (there->count(a.vm_uuid)) continue;
    logger().info("VM {} ({}) is gone from every host: its attachment of volume {} ends", a.vm_name, a.vm_uuid,
                  a.volume_id);
    try {
      end_attachment(core, "vm-watch", a.id, a.volume_id);
    } catch (const Error& e) {
      logger().info("attachment {} does not end yet: {}", a.id, e.what());
    }
  }
}
}  // namespace vbs
