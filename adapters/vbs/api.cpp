#include "adapters/vbs/api.hpp"

#include <yaml-cpp/yaml.h>

#include "adapters/vbs/routes.hpp"
#include "adapters/vbs/views.hpp"

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
}  // namespace

void add_routes(http::Server& server, Core& core) {
  const Context c{server, core, std::make_shared<WorkerPool>("answers", kWaiters, kWaiterQueue)};
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
  add_monitoring_routes(c);
}
}  // namespace vbs::native
