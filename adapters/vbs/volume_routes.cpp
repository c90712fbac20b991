#include "adapters/vbs/routes.hpp"
#include "adapters/vbs/views.hpp"
#include "core/base/clock.hpp"

namespace vbs::native {
namespace {
std::string user_of(const http::Request& r) {
  const auto document = body_of(r);
  ObjectReader reader(document);
  auto user = reader.required_string("user", 512);
  reader.finish();
  return user;
}

http::Response grants(Core& core, const Caller& caller, const std::string& id) {
  return object(200, [&](JsonWriter& w) {
    key(w, "grants");
    w.StartArray();
    for (const auto& g : list_grants(core, caller, id)) {
      w.StartObject();
      field(w, "user", g.subject);
      field(w, "user_id", g.user_id);
      field(w, "created_at", rfc3339(g.created_at));
      w.EndObject();
    }
    w.EndArray();
  });
}

http::Response volume(Core& core, const Caller& caller, const std::string& id) {
  return object(200, [&](JsonWriter& w) {
    key(w, "volume");
    write(w, core, show_volume(core, caller, id));
  });
}

std::string id_of(const http::Request& r) { return r.params.at("id"); }

void write_strings(JsonWriter& w, const char* name, const std::vector<std::string>& lines) {
  key(w, name);
  w.StartArray();
  for (const auto& l : lines) put(w, l);
  w.EndArray();
}
}  // namespace

void add_volume_routes(const Context& c) {
  auto& core = c.core;
  c.route("POST", "/v1/volumes", [c, &core](const Caller& caller, const http::Request& r, http::Reply reply) {
    const auto admitted = create_volume(core, caller, new_volume(r));
    answer_when_ended(c, r, {admitted}, std::move(reply), [&core, caller, admitted](const Operations& rows) {
      return object(202, [&](JsonWriter& w) {
        key(w, "volume");
        write(w, core, show_volume(core, caller, admitted.object_id));
        key(w, "operation");
        write(w, core, rows.front());
      });
    });
  });
  c.route(
      "GET", "/v1/volumes",
      [&core](const Caller& caller, const http::Request& r, http::Reply reply) {
        auto page = page_of(r);
        if (const auto host = text_query(r, "host"); !host.empty())
          page.filter.host_id = core.registry.host_by_name(host).row.id;
        page.filter.vm = text_query(r, "vm");
        const auto volumes = list_volumes(core, caller, page);
        reply(object(200, [&](JsonWriter& w) {
          key(w, "volumes");
          w.StartArray();
          for (const auto& v : volumes) write(w, core, v);
          w.EndArray();
          if (volumes.size() == page.filter.limit) field(w, "next", volumes.back().row.id);
        }));
      },
      with(kPageQuery, {"host", "vm"}));
  c.route("GET", "/v1/volumes/{id}", [&core](const Caller& caller, const http::Request& r, http::Reply reply) {
    reply(volume(core, caller, id_of(r)));
  });
  c.route("PATCH", "/v1/volumes/{id}", [&core](const Caller& caller, const http::Request& r, http::Reply reply) {
    update_volume(core, caller, id_of(r), changes_of(r));
    reply(volume(core, caller, id_of(r)));
  });
  c.route("DELETE", "/v1/volumes/{id}", [c, &core](const Caller& caller, const http::Request& r, http::Reply reply) {
    const auto admitted = delete_volume(core, caller, id_of(r));
    answer_when_ended(c, r, {admitted}, std::move(reply),
                      [&core](const Operations& rows) { return operation_only(core, 202, rows.front()); });
  });
  c.route("POST", "/v1/volumes/{id}/extend",
          [c, &core](const Caller& caller, const http::Request& r, http::Reply reply) {
            const auto document = body_of(r);
            ObjectReader reader(document);
            const auto size = reader.required_u64("size_bytes", kSizeStep, kMaxVolumeBytes);
            reader.finish();
            const auto admitted = extend_volume(core, caller, id_of(r), size);
            answer_when_ended(c, r, {admitted}, std::move(reply),
                              [&core](const Operations& rows) { return operation_only(core, 202, rows.front()); });
          });
  c.route("POST", "/v1/volumes/{id}/revert",
          [c, &core](const Caller& caller, const http::Request& r, http::Reply reply) {
            const auto document = body_of(r);
            ObjectReader reader(document);
            const auto snapshot = reader.required_string("snapshot_id", 36);
            reader.finish();
            const auto admitted = revert_volume(core, caller, id_of(r), snapshot);
            answer_when_ended(c, r, {admitted}, std::move(reply),
                              [&core](const Operations& rows) { return operation_only(core, 202, rows.front()); });
          });
  c.route("POST", "/v1/volumes/{id}/flatten",
          [c, &core](const Caller& caller, const http::Request& r, http::Reply reply) {
            const auto admitted = flatten_volume(core, caller, id_of(r));
            answer_when_ended(c, r, {admitted}, std::move(reply),
                              [&core](const Operations& rows) { return operation_only(core, 202, rows.front()); });
          });
  c.route("GET", "/v1/volumes/{id}/explain", [&core](const Caller& caller, const http::Request& r, http::Reply reply) {
    const auto e = explain(core, caller, id_of(r));
    reply(object(200, [&](JsonWriter& w) {
      write_strings(w, "explanation", e.lines);
      write_strings(w, "next", e.next);
    }));
  });
  c.route("GET", "/v1/volumes/{id}/grants", [&core](const Caller& caller, const http::Request& r, http::Reply reply) {
    reply(grants(core, caller, id_of(r)));
  });
  c.route("POST", "/v1/volumes/{id}/grants", [&core](const Caller& caller, const http::Request& r, http::Reply reply) {
    grant(core, caller, id_of(r), user_of(r));
    reply(grants(core, caller, id_of(r)));
  });
  c.route("POST", "/v1/volumes/{id}/ungrant", [&core](const Caller& caller, const http::Request& r, http::Reply reply) {
    ungrant(core, caller, id_of(r), user_of(r));
    reply(grants(core, caller, id_of(r)));
  });
}
}  // namespace vbs::native
