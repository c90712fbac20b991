#include "core/service/attachments.hpp"

#include <fmt/format.h>

#include "core/base/clock.hpp"
#include "core/base/ids.hpp"
#include "core/base/log.hpp"
#include "core/service/objects.hpp"
#include "core/service/plugin_calls.hpp"

namespace vbs {
namespace {
Vm find_vm(const Caller& caller, Host& host, const std::string& name_or_uuid) {
  try {
    return on_host<Vm>(host,
                       [name_or_uuid](Hypervisor& hv, const Call& call) { return hv.find_vm(call, name_or_uuid); });
  } catch (const Error& e) {
    if (e.code() != Code::not_found) throw;
    // Who may not use a VM is not told whether it exists, either.
    require_vm(caller.who, std::nullopt, for_log(name_or_uuid, 255), host.row.name);
    throw Error(Code::not_found,
                fmt::format("there is no VM '{}' on host '{}'", for_log(name_or_uuid, 255), host.row.name), "vm");
  }
}
}  // namespace

Admitted attach_volume(Core& core, const Caller& caller, const std::string& volume_id, const NewAttachment& wanted) {
  const auto volume =
      require_volume(core, caller, wanted.mode == Mode::ro ? Action::attach_read_only : Action::change, volume_id);
  auto& host = core.registry.host_by_name(wanted.host);
  const auto vm = find_vm(caller, host, wanted.vm);
  const auto owner = core.database.read([&](store::Session& db) { return store::vm_owner(db, host.row.id, vm.uuid); });
  require_vm(caller.who, owner, wanted.vm, host.row.name);

  store::AttachmentRow a;
  a.id = new_uuid();
  a.volume_id = volume_id;
  a.project_id = caller.who.project_id;
  a.user_id = caller.who.user_id;
  a.host_id = host.row.id;
  a.vm_uuid = vm.uuid;
  a.vm_name = vm.name;
  a.mode = to_string(wanted.mode);
  a.state = "attaching";
  a.device = wanted.device;
  a.created_at = a.updated_at = now_us();
  auto operation =
      new_operation(caller, "attach-volume", "attachment", a.id, fmt::format(R"({{"volume_id":"{}"}})", volume_id));
  a.operation_id = operation.id;
  return core.admit(caller, std::move(operation), [&](store::Tx& tx) {
    try {
      store::insert_attachment(tx, a);
    } catch (const store::UniqueViolation&) {
      throw Error(Code::conflict, fmt::format("volume {} is already attached to VM '{}' on host '{}', or just being so",
                                              volume_id, vm.name, host.row.name));
    }
  });
}

namespace {
// A detach may be several operations, each kept under the token and its own attachment.
std::vector<Admitted> repeated(Core& core, const Caller& caller) {
  std::vector<Admitted> out;
  if (caller.token.empty()) return out;
  core.database.read([&](store::Session& db) {
    for (const auto& row : store::idempotency_family(db, caller.who.user_id, caller.token)) {
      if (row.request_hash != caller.request_hash) throw_token_reused();
      out.push_back({row.object_id, row.operation_id});
    }
  });
  return out;
}
}  // namespace

namespace {
// What one has attached one may detach, though the grant may have been taken back since.
VolumeView volume_to_detach(Core& core, const Caller& caller, const std::string& id) {
  try {
    return require_volume(core, caller, Action::see, id);
  } catch (const Error& e) {
    if (e.code() != Code::not_found || !is_uuid(id)) throw;
    store::Filter own;
    own.project_id = caller.who.project_id;
    own.volume_id = id;
    own.limit = 1000;
    auto left = core.database.read([&](store::Session& db) { return store::list_attachments(db, own); });
    if (left.empty()) throw;
    const auto row = core.database.read([&](store::Session& db) { return store::find_volume(db, id); });
    if (!row) throw;
    return {*row, Access::none, std::move(left)};
  }
}
}  // namespace

std::string detach_params(const std::string& volume_id, bool force) {
  return fmt::format(R"({{"volume_id":"{}","force":"{}"}})", volume_id, force ? "yes" : "no");
}

void end_attachment(Core& core, const char* who, const std::string& id, const std::string& volume_id) {
  Caller service;
  service.who.subject = who;
  service.who.is_operator = true;
  core.admit(service, new_operation(service, "detach-volume", "attachment", id, detach_params(volume_id, false)),
             [](store::Tx&) {});
}

std::vector<Admitted> detach_volume(Core& core, const Caller& caller, const std::string& volume_id,
                                    const DetachWanted& wanted) {
  const auto volume = volume_to_detach(core, caller, volume_id);
  // A repeated request is answered as the first, though the attachments that it named are gone by now.
  if (auto before = repeated(core, caller); !before.empty()) return before;
  auto found = volume.attachments;
  if (!wanted.host.empty()) {
    const auto& host = core.registry.host_by_name(wanted.host);
    std::erase_if(found, [&](const auto& a) { return a.host_id != host.row.id; });
  }
  if (!wanted.vm.empty())
    std::erase_if(found, [&](const auto& a) { return a.vm_uuid != wanted.vm && a.vm_name != wanted.vm; });
  if (found.empty())
    throw Error(Code::conflict,
                fmt::format("volume {} is not attached{}{}", volume_id,
                            wanted.vm.empty() ? "" : fmt::format(" to VM '{}'", for_log(wanted.vm, 255)),
                            wanted.host.empty() ? "" : fmt::format(" on host '{}'", for_log(wanted.host, 255))));
  if (found.size() > 1 && !wanted.all)
    throw Error(Code::conflict,
                fmt::format("volume {} has {} attachments: name host and VM, or detach all", volume_id, found.size()));
  for (const auto& a : found) require_detach(caller.who, volume.row, a);
  std::vector<Admitted> out;
  auto each = caller;
  for (const auto& a : found) {
    if (!caller.token.empty()) each.token = caller.token + "/" + a.id;
    auto operation = new_operation(caller, "detach-volume", "attachment", a.id, detach_params(volume_id, wanted.force));
    out.push_back(core.admit(each, std::move(operation), [](store::Tx&) {}));
  }
  return out;
}

Admitted move_attachment(Core& core, const Caller& caller, const std::string& volume_id, const MoveWanted& wanted) {
  const auto volume = require_volume(core, caller, Action::see, volume_id);
  require_operator(caller.who, "move attachments");
  const auto &from = core.registry.host_by_name(wanted.from), &to = core.registry.host_by_name(wanted.to);
  if (from.row.id == to.row.id) throw Error(Code::invalid, "'from' and 'to' are one host: " + from.row.name, "to");
  if (to.config.hypervisor.empty())
    throw Error(Code::invalid, "host " + to.row.name + " has no hypervisor in the configuration", "to");
  auto found = volume.attachments;
  std::erase_if(found, [&](const auto& a) {
    return a.host_id != from.row.id || !(wanted.vm.empty() || a.vm_uuid == wanted.vm || a.vm_name == wanted.vm);
  });
  if (found.empty())
    throw Error(
        Code::conflict,
        fmt::format("volume {} is not attached{} on host {}", volume_id,
                    wanted.vm.empty() ? "" : fmt::format(" to VM '{}'", for_log(wanted.vm, 255)), from.row.name));
  if (found.size() > 1)
    throw Error(Code::conflict, fmt::format("volume {} has {} attachments on host {}: name the VM by its UUID",
                                            volume_id, found.size(), from.row.name));
  return core.admit(
      caller,
      new_operation(caller, "move-attachment", "attachment", found.front().id,
                    fmt::format(R"({{"volume_id":"{}","from":"{}","to":"{}"}})", volume_id, from.row.id, to.row.id)),
      [](store::Tx&) {});
}

std::vector<store::AttachmentRow> list_attachments(Core& core, const Caller& caller, const std::string& volume_id,
                                                   const std::string& host, const std::string& vm, bool all_projects) {
  store::Filter f;
  f.limit = 10000;
  f.vm = vm;
  if (!host.empty()) f.host_id = core.registry.host_by_name(host).row.id;
  if (volume_id.empty()) {
    f.project_id = listed_project(caller.who, all_projects);
  } else {
    require_volume(core, caller, Action::see, volume_id);
    f.volume_id = volume_id;
  }
  return core.database.snapshot([&](store::Session& db) {
    auto rows = store::list_attachments(db, f);
    if (!volume_id.empty())
      std::erase_if(rows, [&](const auto& a) { return !may_see(caller.who, *store::find_volume(db, a.volume_id), a); });
    return rows;
  });
}

std::optional<store::AttachmentRow> show_attachment_or_none(Core& core, const std::string& id) {
  return core.database.read([&](store::Session& db) { return store::find_attachment(db, id); });
}

std::vector<OwnedVm> list_vms(Core& core, const Caller& caller, const std::string& host_name) {
  auto& host = core.registry.host_by_name(host_name);
  const auto vms = on_host<std::vector<Vm>>(host, [](Hypervisor& hv, const Call& call) { return hv.list_vms(call); });
  std::map<std::string, std::string> owners;
  core.database.read([&](store::Session& db) {
    for (const auto& [vm, user] : store::vm_owners(db, host.row.id)) owners[vm] = user;
  });
  std::vector<OwnedVm> out;
  for (const auto& vm : vms) {
    const auto it = owners.find(vm.uuid);
    const std::string user = it == owners.end() ? "" : it->second;
    if (caller.who.is_operator || user == caller.who.user_id)
      out.push_back({vm, user.empty() ? "" : core.directory.subject_of(user)});
  }
  return out;
}

void set_vm_owner(Core& core, const Caller& caller, const std::string& host_name, const std::string& vm_name,
                  const std::string& user_text) {
  require_operator(caller.who, "say whose VM it is");
  auto& host = core.registry.host_by_name(host_name);
  const auto vm = find_vm(caller, host, vm_name);
  const std::string user = user_text.empty() ? "" : core.directory.find_or_announce(caller.who, user_text).id;
  core.database.writer().transact([&](store::Tx& tx) {
    store::set_vm_owner(tx, host.row.id, vm.uuid, user);
    record(tx, caller, "set-vm-owner", "vm", vm.uuid, user);
  });
}
}  // namespace vbs
