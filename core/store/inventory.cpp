#include <fmt/format.h>

#include "core/base/clock.hpp"
#include "core/base/ids.hpp"
#include "core/store/columns.hpp"

namespace vbs::store {

std::vector<HostRow> list_hosts(Session& db) {
  std::vector<HostRow> out;
  db.each<S, S, S, S, S>("SELECT id, name, aliases, hypervisor, initiator FROM hosts ORDER BY name",
                         [&](const S& id, const S& name, const S& aliases, const S& hypervisor, const S& initiator) {
                           out.push_back({id, name, aliases, hypervisor, initiator});
                         });
  return out;
}

std::vector<BackendRow> list_backends(Session& db) {
  std::vector<BackendRow> out;
  db.each<S, S, S>("SELECT id, name, plugin FROM backends ORDER BY created_at",
                   [&](const S& id, const S& name, const S& plugin) {
                     out.push_back({id, name, plugin});
                   });
  return out;
}

HostRow ensure_host(Tx& tx, HostRow wanted) {
  for (const auto& h : list_hosts(tx.db))
    if (h.name == wanted.name) {
      wanted.id = h.id;
      tx.db.run("UPDATE hosts SET aliases=?, hypervisor=?, initiator=? WHERE id=?", wanted.aliases, wanted.hypervisor,
                wanted.initiator, h.id);
      return wanted;
    }
  wanted.id = new_uuid();
  tx.db.run("INSERT INTO hosts (id, name, aliases, hypervisor, initiator, created_at) VALUES (?,?,?,?,?,?)", wanted.id,
            wanted.name, wanted.aliases, wanted.hypervisor, wanted.initiator, now_us());
  return wanted;
}

std::string host_name(Session& db, const std::string& host_id) {
  std::string out;
  db.each<S>(
      "SELECT name FROM hosts WHERE id = ?", [&](const S& name) { out = name; }, host_id);
  return out;
}

std::string initiator_of(Session& db, const std::string& host_id) {
  std::string out;
  db.each<S>(
      "SELECT initiator FROM hosts WHERE id = ?", [&](const S& initiator) { out = initiator; }, host_id);
  return out;
}

BackendRow ensure_backend(Tx& tx, BackendRow wanted) {
  for (const auto& b : list_backends(tx.db))
    if (b.name == wanted.name) {
      if (b.plugin != wanted.plugin)
        throw Error(Code::invalid,
                    fmt::format("back-end '{}' was made with plugin {} and is now configured with {}: its volumes "
                                "would be lost from view; "
                                "give the new one another name",
                                b.name, b.plugin, wanted.plugin),
                    "backends");
      return b;
    }
  wanted.id = new_uuid();
  insert_backend(tx, wanted);
  return wanted;
}

void insert_backend(Tx& tx, const BackendRow& r) {
  tx.db.run("INSERT INTO backends (id, name, plugin, created_at) VALUES (?,?,?,?)", r.id, r.name, r.plugin, now_us());
}

std::string json_list(const std::vector<std::string>& items) { return json_array(items); }

std::optional<std::string> vm_owner(Session& db, const std::string& host_id, const std::string& vm_uuid) {
  std::optional<std::string> out;
  db.each<S>(
      "SELECT user_id FROM vm_owners WHERE host_id = ? AND vm_uuid = ?", [&](const S& user) { out = user; }, host_id,
      vm_uuid);
  return out;
}

std::vector<std::pair<std::string, std::string>> vm_owners(Session& db, const std::string& host_id) {
  std::vector<std::pair<std::string, std::string>> out;
  db.each<S, S>(
      "SELECT vm_uuid, user_id FROM vm_owners WHERE host_id = ?",
      [&](const S& vm, const S& user) { out.emplace_back(vm, user); }, host_id);
  return out;
}

void set_vm_owner(Tx& tx, const std::string& host_id, const std::string& vm_uuid, const std::string& user_id) {
  tx.db.run("DELETE FROM vm_owners WHERE host_id = ? AND vm_uuid = ?", host_id, vm_uuid);
  if (!user_id.empty()) tx.db.run("INSERT INTO vm_owners VALUES (?,?,?,?)", host_id, vm_uuid, user_id, now_us());
}
}  // namespace vbs::store
