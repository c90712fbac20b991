#include "core/service/drain.hpp"

#include "core/service/objects.hpp"

namespace vbs {
namespace {
constexpr size_t kMost = 10000;

void change(Core& core, const Caller& caller, const char* kind, const std::string& id, bool drained) {
  core.database.writer().transact([&](store::Tx& tx) {
    store::set_drained(tx, kind, id, drained);
    record(tx, caller, drained ? "drain" : "end-drain", kind, id);
  });
}
}  // namespace

std::vector<LeftThere> drain_host(Core& core, const Caller& caller, const std::string& name, bool drained) {
  require_operator(caller.who, "drain a host");
  const auto& host = core.registry.host_by_name(name);
  change(core, caller, "host", host.row.id, drained);
  store::Filter f;
  f.host_id = host.row.id;
  f.limit = kMost;
  std::vector<LeftThere> out;
  for (const auto& a : core.database.read([&](store::Session& db) { return store::list_attachments(db, f); }))
    out.push_back({"attachment", a.volume_id, a.vm_name});
  return out;
}

std::vector<LeftThere> drain_backend(Core& core, const Caller& caller, const std::string& name, bool drained) {
  require_operator(caller.who, "drain a back-end");
  const Backend* backend = nullptr;
  for (const auto& b : core.registry.backends())
    if (b->row.name == name) backend = b.get();
  if (!backend) throw Error(Code::not_found, "there is no back-end '" + name.substr(0, 64) + "'", "name");
  change(core, caller, "back-end", backend->row.id, drained);
  std::vector<LeftThere> out;
  for (auto& o : core.database.read([&](store::Session& db) { return store::objects_of(db, backend->row.id, kMost); }))
    out.push_back({std::move(o.kind), std::move(o.id), std::move(o.name)});
  return out;
}

bool is_drained(Core& core, const std::string& kind, const std::string& id) {
  return core.database.read([&](store::Session& db) { return store::is_drained(db, kind, id); });
}

Backend& default_backend(Core& core) {
  if (core.registry.backends().size() == 1) return *core.registry.backends().front();  // which says itself if it is
  for (const auto& b : core.registry.backends())
    if (!is_drained(core, "back-end", b->row.id)) return *b;
  return core.registry.backend_by_name("");  // which says why not
}
}  // namespace vbs
