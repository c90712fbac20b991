// Operations, hosts, back-ends, plugins, delegates, users, reconcile, backup of the store.
#include <array>

#include "adapters/vbs/routes.hpp"
#include "adapters/vbs/views.hpp"
#include "core/base/ids.hpp"
#include "core/base/log.hpp"
#include "core/service/drain.hpp"
#include "core/service/enrollment.hpp"
#include "core/service/plugin_calls.hpp"
#include "core/service/store_backup.hpp"
#include "vbs/plugin/storage.h"

namespace vbs::native {
namespace {
constexpr std::array<std::pair<uint64_t, const char*>, 7> kCapabilities{{{VBS_CAP_FAST_CLONE, "fast-clone"},
                                                                         {VBS_CAP_REFLINK, "reflink"},
                                                                         {VBS_CAP_THIN, "thin"},
                                                                         {VBS_CAP_TARGET_RO, "target-read-only"},
                                                                         {VBS_CAP_SHARED_NODES, "shared-nodes"},
                                                                         {VBS_CAP_EXTEND_IN_USE, "extend-in-use"},
                                                                         {VBS_CAP_FENCE, "fence"}}};

const std::set<std::string> kOperationStates{"queued", "running", "waiting", "undoing", "done", "failed"};

store::OperationRow operation_of(Core& core, const Caller& caller, const http::Request& r) {
  const auto& id = r.params.at("id");
  if (!is_uuid(id)) throw Error(Code::not_found, "there is no operation '" + for_log(id, 64) + "' (ids are UUIDs)");
  const auto row = core.database.read([&](store::Session& db) { return store::find_operation(db, id); });
  if (!row) throw Error(Code::not_found, "there is no operation " + id);  // the words of require_operation()
  require_operation(caller.who, *row);
  return *row;
}

template <class Items, class F>
http::Response array(const char* name, const Items& items, F&& each) {
  return object(200, [&](JsonWriter& w) {
    key(w, name);
    w.StartArray();
    for (const auto& i : items) {
      w.StartObject();
      each(w, i);
      w.EndObject();
    }
    w.EndArray();
  });
}

void strings(JsonWriter& w, const char* name, const std::vector<std::string>& values) {
  key(w, name);
  w.StartArray();
  for (const auto& v : values) put(w, v);
  w.EndArray();
}

void facts(JsonWriter& w, const std::string& json_object) {
  if (json_object.empty() || json_object == "{}") return;
  key(w, "facts");
  w.RawValue(json_object.data(), json_object.size(), rapidjson::kObjectType);
}

void write_user(JsonWriter& w, Core& core, const store::UserRow& u) {
  field(w, "id", u.id);
  field(w, "subject", u.subject);
  field(w, "issuer", u.issuer);
  field(w, "source", u.source);
  field(w, "project_id", u.project_id);
  strings(w, "roles",
          core.directory.is_operator(u.subject) ? std::vector<std::string>{"member", "operator"}
                                                : std::vector<std::string>{"member"});
}

const char* vm_state(VmState s) {
  return s == VmState::running    ? "running"
         : s == VmState::paused   ? "paused"
         : s == VmState::shut_off ? "shut off"
                                  : "other";
}

http::Response vms(Core& core, const Caller& caller, const std::string& host) {
  return array("vms", list_vms(core, caller, host), [](JsonWriter& w, const OwnedVm& v) {
    field(w, "uuid", v.vm.uuid);
    field(w, "name", v.vm.name);
    field(w, "state", vm_state(v.vm.state));
    if (!v.owner.empty()) field(w, "owner", v.owner);
  });
}

void write_backend(JsonWriter& w, Core& core, Backend& b) {
  field(w, "id", b.row.id);
  field(w, "name", b.row.name);
  field(w, "plugin", b.row.plugin);
  key(w, "drained");
  w.Bool(is_drained(core, "back-end", b.row.id));
  std::string error = b.slot.trouble();
  Capacity capacity;
  if (b.slot.is_open()) try {
      capacity = on_backend<Capacity>(b, [](StorageBackend& p, const Call& c) { return p.capacity(c); });
    } catch (const Error& e) {
      error = e.what();
    }
  field(w, "state", error.empty() ? "up" : "down");
  if (!error.empty()) field(w, "error", error);
  std::vector<std::string> capabilities;
  if (b.slot.is_open())
    for (const auto& [bit, name] : kCapabilities)
      if (b.slot.plugin().has(bit)) capabilities.push_back(name);
  strings(w, "capabilities", capabilities);
  if (error.empty()) {
    key(w, "total_bytes");
    w.Uint64(capacity.total_bytes);
    key(w, "free_bytes");
    w.Uint64(capacity.free_bytes);
    key(w, "promised_bytes");
    w.Int64(core.database.read([&](store::Session& db) { return store::promised_bytes(db, b.row.id); }));
    facts(w, b.slot.plugin().instance().facts);
  }
}

void write_host(JsonWriter& w, Core& core, Host& h) {
  field(w, "name", h.row.name);
  key(w, "drained");
  w.Bool(is_drained(core, "host", h.row.id));
  strings(w, "aliases", h.config.aliases);
  field(w, "hypervisor", h.config.hypervisor);
  if (h.config.hypervisor.empty()) return field(w, "state", "up");
  try {
    if (const auto trouble = h.slot.trouble(); !trouble.empty()) throw Error(Code::unavailable, trouble);
    const auto f = on_host<InstanceFacts>(h, [](Hypervisor& hv, const Call& c) { return hv.facts(c); });
    field(w, "state", "up");
    facts(w, f.facts);
  } catch (const Error& e) {
    field(w, "state", "down");
    field(w, "error", e.what());
  }
}

bool drained_of(const http::Request& r) {
  const auto document = body_of(r);
  ObjectReader reader(document);
  const bool drained = reader.optional_bool("drained").value_or(true);
  reader.finish();
  return drained;
}

http::Response what_is_left(const std::vector<LeftThere>& left) {
  return array("left", left, [](JsonWriter& w, const LeftThere& l) {
    field(w, "kind", l.kind);
    field(w, "id", l.id);
    field(w, "name", l.name);
  });
}

void add_operation_routes(const Context& c) {
  auto& core = c.core;
  c.route("GET", "/v1/operations",
          [&core](const Caller& caller, const http::Request& r, http::Reply reply) {
            store::OperationFilter f;
            f.project_id = listed_project(caller.who, flag_query(r, "all_projects"));
            f.state = text_query(r, "state");
            if (!f.state.empty() && !kOperationStates.count(f.state))
              throw Error(Code::invalid, "'state' must be queued, running, waiting, undoing, done or failed", "state");
            f.object_id = text_query(r, "object_id", 36);
            f.limit = number_query(r, "limit", 100, 1, 1000);
            const auto rows = core.database.read([&](store::Session& db) { return store::list_operations(db, f); });
            reply(object(200, [&](JsonWriter& w) {
              key(w, "operations");
              w.StartArray();
              for (const auto& o : rows) write(w, core, o);
              w.EndArray();
            }));
          },
          {"state", "object_id", "limit", "all_projects"});
  c.route("GET", "/v1/operations/{id}",
          [c, &core](const Caller& caller, const http::Request& r, http::Reply reply) {
            const auto id = operation_of(core, caller, r).id;
            auto asked = r;
            const auto wait = "wait=" + std::to_string(number_query(r, "wait", 0, 0, 60));
            if (r.query_value("wait")) asked.headers.insert(asked.headers.begin(), {"Prefer", wait});
            answer_when_ended(c, asked, {{"", id}}, std::move(reply),
                              [&core](const Operations& rows) { return operation_only(core, 200, rows.front()); });
          },
          {"wait"});
  c.route("POST", "/v1/operations/{id}/cancel",
          [&core](const Caller& caller, const http::Request& r, http::Reply reply) {
            const auto id = operation_of(core, caller, r).id;
            core.engine.cancel(id);
            reply(operation_only(core, 202, operation_of(core, caller, r)));
          });
  c.route("POST", "/v1/operations/{id}/retry",
          [&core](const Caller& caller, const http::Request& r, http::Reply reply) {
            const auto id = operation_of(core, caller, r).id;
            core.engine.retry(id);
            reply(operation_only(core, 202, operation_of(core, caller, r)));
          });
}

void write_report(JsonWriter& w, const ReconcileReport& report) {
  key(w, "checked");
  w.StartObject();
  for (const auto& [what, n] : report.checked) {
    key(w, what);
    w.Uint64(n);
  }
  w.EndObject();
  key(w, "findings");
  w.StartArray();
  for (const auto& f : report.findings) {
    w.StartObject();
    field(w, "what", f.what);
    field(w, "where", f.where);
    field(w, "object_id", f.object_id);
    field(w, "detail", f.detail);
    field(w, "repair", f.repair);
    key(w, "repaired");
    w.Bool(f.repaired);
    w.EndObject();
  }
  w.EndArray();
  strings(w, "unreachable", report.unreachable);
}
}  // namespace

http::Response operation_only(Core& core, int status, const store::OperationRow& row) {
  return object(status, [&](JsonWriter& w) {
    key(w, "operation");
    write(w, core, row);
  });
}

void add_operator_routes(const Context& c) {
  auto& core = c.core;
  add_operation_routes(c);
  c.route("GET", "/v1/hosts", [&core](const Caller&, const http::Request&, http::Reply reply) {
    reply(array("hosts", core.registry.hosts(), [&core](JsonWriter& w, const auto& h) { write_host(w, core, *h); }));
  });
  c.route("GET", "/v1/hosts/{name}/vms", [&core](const Caller& caller, const http::Request& r, http::Reply reply) {
    reply(vms(core, caller, r.params.at("name")));
  });
  c.route("POST", "/v1/hosts/{name}/owners", [&core](const Caller& caller, const http::Request& r, http::Reply reply) {
    const auto document = body_of(r);
    ObjectReader reader(document);
    const auto vm = reader.required_string("vm", 255);
    const auto user = reader.optional_string("user", 512).value_or("");
    reader.finish();
    set_vm_owner(core, caller, r.params.at("name"), vm, user);
    reply(vms(core, caller, r.params.at("name")));
  });
  c.route("GET", "/v1/backends", [&core](const Caller&, const http::Request&, http::Reply reply) {
    reply(array("backends", core.registry.backends(),
                [&core](JsonWriter& w, const auto& b) { write_backend(w, core, *b); }));
  });
  c.route("POST", "/v1/hosts/{name}/drain", [&core](const Caller& caller, const http::Request& r, http::Reply reply) {
    reply(what_is_left(drain_host(core, caller, r.params.at("name"), drained_of(r))));
  });
  c.route("POST", "/v1/backends/{name}/drain",
          [&core](const Caller& caller, const http::Request& r, http::Reply reply) {
            reply(what_is_left(drain_backend(core, caller, r.params.at("name"), drained_of(r))));
          });
  c.route("GET", "/v1/plugins", [&core](const Caller& caller, const http::Request&, http::Reply reply) {
    require_operator(caller.who, "list plugins");
    reply(array("plugins", core.plugins.plugins(), [](JsonWriter& w, const PluginInfo& p) {
      field(w, "name", p.name);
      field(w, "version", p.version);
      field(w, "description", p.description);
      strings(w, "kinds", p.kinds);
      field(w, "path", p.path);
      if (!p.refusal.empty()) field(w, "refusal", p.refusal);
    }));
  });
  c.route("GET", "/v1/delegates", [&core](const Caller& caller, const http::Request&, http::Reply reply) {
    require_operator(caller.who, "list delegates");
    reply(array("delegates", core.delegates.list(), [](JsonWriter& w, const DelegateStatus& d) {
      field(w, "name", d.name);
      field(w, "address", d.address);
      field(w, "state", d.up ? "up" : "down");
      field(w, "version", d.version);
      strings(w, "backends", d.backends);
      strings(w, "hosts", d.hosts);
      key(w, "running_calls");
      w.Uint64(d.running);
      if (!d.error.empty()) field(w, "error", d.error);
    }));
  });
  c.route("POST", "/v1/delegates/{name}/tokens",
          [&core](const Caller& caller, const http::Request& r, http::Reply reply) {
            const auto document = body_of(r);
            ObjectReader(document).finish();
            const auto token = issue_delegate_token(core, caller, r.params.at("name"));
            reply(object(201, [&](JsonWriter& w) { field(w, "token", token); }));
          });
  // No caller: whoever enrolls has the token, and nothing else yet.
  c.server.route("POST", "/v1/enroll", [&core](const http::Request& r, http::Reply reply) {
    check_query(r, {});
    const auto document = body_of(r);
    ObjectReader reader(document);
    const auto token = reader.required_string("token", 128);
    const auto request = reader.required_string("request", 64 * 1024);
    reader.finish();
    const auto made = enroll_delegate(core, token, request, r.request_id);
    reply(object(200, [&](JsonWriter& w) {
      field(w, "name", made.name);
      field(w, "certificate", made.certificate_pem);
      field(w, "ca", made.ca_pem);
    }));
  });
  c.route("GET", "/v1/users", [&core](const Caller& caller, const http::Request&, http::Reply reply) {
    require_operator(caller.who, "list users");
    const auto users = core.database.read([](store::Session& db) { return store::list_users(db); });
    reply(array("users", users, [&core](JsonWriter& w, const store::UserRow& u) { write_user(w, core, u); }));
  });
  c.route("GET", "/v1/whoami", [&core](const Caller& caller, const http::Request&, http::Reply reply) {
    const auto user = core.database.read([&](store::Session& db) { return store::find_user(db, caller.who.user_id); });
    reply(object(200, [&](JsonWriter& w) {
      key(w, "user");
      w.StartObject();
      write_user(w, core, *user);
      w.EndObject();
    }));
  });
  c.route("POST", "/v1/reconcile", [&core](const Caller& caller, const http::Request& r, http::Reply reply) {
    const auto document = body_of(r);
    ObjectReader reader(document);
    const bool repair = reader.optional_bool("repair").value_or(false);
    reader.finish();
    const auto report = reconcile(core, caller, repair);
    reply(object(200, [&](JsonWriter& w) { write_report(w, report); }));
  });
  c.route("POST", "/v1/store/backup", [&core](const Caller& caller, const http::Request& r, http::Reply reply) {
    const auto document = body_of(r);
    ObjectReader reader(document);
    const auto file = reader.optional_string("file", 4096).value_or("");
    reader.finish();
    const auto made = backup_store(core, caller, file);
    reply(object(200, [&](JsonWriter& w) {
      field(w, "file", made.file);
      key(w, "size_bytes");
      w.Uint64(made.size_bytes);
    }));
  });
}
}  // namespace vbs::native
