#include "adapters/vbs/api.hpp"

#include <yaml-cpp/yaml.h>

#include "adapters/vbs/routes.hpp"
#include "adapters/vbs/views.hpp"
#include "core/base/version.hpp"

namespace vbs::native {
extern const char* const kOpenApiYaml;

namespace {
constexpr size_t kWaiters = 4, kWaiterQueue = 10000;

void to_json(const YAML::Node& node, JsonWriter& w) {
  if (node.IsMap()) {
    w.StartObject();
    for (const auto& i : node) {
      key(w, i.first.Scalar());
      to_json(i.second, w);
    }
    w.EndObject();
  } else if (node.IsSequence()) {
    w.StartArray();
    for (const auto& i : node) to_json(i, w);
    w.EndArray();
  } else {
    int64_t n = 0;
    const auto& text = node.Scalar();
    if (node.Tag() != "!" && (text == "true" || text == "false"))
      w.Bool(text == "true");
    else if (node.Tag() != "!" && YAML::convert<int64_t>::decode(node, n))
      w.Int64(n);
    else
      put(w, text);
  }
}

std::string openapi_json() {
  JsonBuffer b;
  JsonWriter w(b);
  to_json(YAML::Load(kOpenApiYaml), w);
  return {b.GetString(), b.GetSize()};
}

http::Response health(Core& core) {
  std::vector<std::string> problems;
  for (const auto& b : core.registry.backends())
    if (!b->slot.is_open()) problems.push_back("back-end " + b->row.name + ": " + b->slot.error());
  for (const auto& p : core.plugins.plugins())
    if (!p.refusal.empty()) problems.push_back("plugin " + p.name + " is refused: " + p.refusal);
  return object(problems.empty() ? 200 : 503, [&](JsonWriter& w) {
    field(w, "status", problems.empty() ? "ok" : "degraded");
    field(w, "version", kVersion);
    key(w, "problems");
    w.StartArray();
    for (const auto& p : problems) put(w, p);
    w.EndArray();
  });
}
}  // namespace

void add_routes(http::Server& server, Core& core) {
  const Context c{server, core, std::make_shared<WorkerPool>("answers", kWaiters, kWaiterQueue)};
  server.route("GET", "/v1/health", [&core](const http::Request& r, http::Reply reply) {
    check_query(r, {});
    reply(health(core));
  });
  server.route("GET", "/v1/openapi.json", [text = openapi_json()](const http::Request& r, http::Reply reply) {
    check_query(r, {});
    http::Response answer;
    answer.body = text;
    reply(std::move(answer));
  });
  add_volume_routes(c);
  add_snapshot_routes(c);
  add_attachment_routes(c);
  add_operator_routes(c);
}
}  // namespace vbs::native
