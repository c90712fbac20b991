#include "adapters/vbs/routes.hpp"
#include "adapters/vbs/views.hpp"

namespace vbs::native {
namespace {
NewSnapshot new_snapshot(const http::Request& r) {
  const auto document = body_of(r);
  ObjectReader reader(document);
  NewSnapshot s;
  s.volume_id = reader.required_string("volume_id", 36);
  s.name = reader.optional_string("name", 255).value_or("");
  s.comment = reader.optional_string("comment", 255).value_or("");
  s.metadata = metadata_of(reader);
  reader.finish();
  return s;
}

http::Response snapshot(Core& core, const Caller& caller, const std::string& id) {
  return object(200, [&](JsonWriter& w) {
    key(w, "snapshot");
    write(w, core, show_snapshot(core, caller, id));
  });
}
}  // namespace

void add_snapshot_routes(const Context& c) {
  auto& core = c.core;
  c.route("POST", "/v1/snapshots", [c, &core](const Caller& caller, const http::Request& r, http::Reply reply) {
    const auto admitted = create_snapshot(core, caller, new_snapshot(r));
    answer_when_ended(c, r, {admitted}, std::move(reply), [&core, caller, admitted](const Operations& rows) {
      return object(202, [&](JsonWriter& w) {
        key(w, "snapshot");
        write(w, core, show_snapshot(core, caller, admitted.object_id));
        key(w, "operation");
        write(w, core, rows.front());
      });
    });
  });
  c.route(
      "GET", "/v1/snapshots",
      [&core](const Caller& caller, const http::Request& r, http::Reply reply) {
        auto page = page_of(r);
        page.filter.volume_id = text_query(r, "volume_id", 36);
        const auto snapshots = list_snapshots(core, caller, page);
        reply(object(200, [&](JsonWriter& w) {
          key(w, "snapshots");
          w.StartArray();
          for (const auto& s : snapshots) write(w, core, s);
          w.EndArray();
          if (snapshots.size() == page.filter.limit) field(w, "next", snapshots.back().id);
        }));
      },
      with(kPageQuery, {"volume_id"}));
  c.route("GET", "/v1/snapshots/{id}", [&core](const Caller& caller, const http::Request& r, http::Reply reply) {
    reply(snapshot(core, caller, r.params.at("id")));
  });
  c.route("PATCH", "/v1/snapshots/{id}", [&core](const Caller& caller, const http::Request& r, http::Reply reply) {
    update_snapshot(core, caller, r.params.at("id"), changes_of(r));
    reply(snapshot(core, caller, r.params.at("id")));
  });
  c.route("DELETE", "/v1/snapshots/{id}", [c, &core](const Caller& caller, const http::Request& r, http::Reply reply) {
    const auto admitted = delete_snapshot(core, caller, r.params.at("id"));
    answer_when_ended(c, r, {admitted}, std::move(reply),
                      [&core](const Operations& rows) { return operation_only(core, 202, rows.front()); });
  });
}
}  // namespace vbs::native
