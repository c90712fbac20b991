// What a monitoring system asks for: /v1/health, open to everybody who reaches the port, and /metrics, an operator's.
#include <filesystem>

#include "adapters/vbs/routes.hpp"
#include "adapters/vbs/views.hpp"
#include "core/base/metrics.hpp"
#include "core/base/version.hpp"

namespace vbs::native {
namespace {
constexpr double kLeastFree = 64.0 * 1024 * 1024;  // bytes; below it the store's next commits are in danger

std::vector<std::string> problems(Core& core) {
  std::vector<std::string> out;
  for (const auto& b : core.monitor.backends())
    if (!b.up) out.push_back("back-end " + b.name + ": " + b.error);
  for (const auto& h : core.monitor.hosts())
    if (!h.up) out.push_back("host " + h.name + ": " + h.error);
  for (const auto& d : core.delegates.list())
    if (!d.up) out.push_back(d.error.empty() ? "delegate " + d.name + " has not answered yet" : d.error);
  for (const auto& p : core.plugins.plugins())
    if (!p.refusal.empty()) out.push_back("plugin " + p.name + " is refused: " + p.refusal);
  if (core.database.writer().failing())
    out.push_back("store: the last commit failed, nothing can be changed; the log says why");
  std::error_code error;
  const auto space = std::filesystem::space(core.config.data_dir, error);
  if (!error && static_cast<double>(space.available) < kLeastFree)
    out.push_back("store: " + std::to_string(space.available >> 20) + " MiB are free in " + core.config.data_dir +
                  ": make room, or changes will fail");
  return out;
}

http::Response health(Core& core) {
  const auto found = problems(core);
  return object(found.empty() ? 200 : 503, [&](JsonWriter& w) {
    field(w, "status", found.empty() ? "ok" : "degraded");
    field(w, "version", kVersion);
    key(w, "problems");
    w.StartArray();
    for (const auto& p : found) put(w, p);
    w.EndArray();
  });
}

void add(std::vector<metrics::Gauge>& out, const char* name, const char* help, const char* label,
         const std::vector<Watched>& items, const std::function<std::optional<double>(const Watched&)>& value) {
  for (const auto& i : items)
    if (const auto v = value(i)) out.push_back({name, help, {{label, i.name}}, *v});
}

std::vector<metrics::Gauge> gauges(Core& core) {
  std::vector<metrics::Gauge> out;
  const auto backends = core.monitor.backends(), hosts = core.monitor.hosts();
  const auto number = [](auto n) { return std::optional(static_cast<double>(n)); };
  const auto of_capacity = [](auto member) {
    return [member](const Watched& b) {
      return b.capacity ? std::optional(static_cast<double>((*b.capacity).*member)) : std::nullopt;
    };
  };
  add(out, "vbs_backend_up", "1: the back-end answers", "backend", backends, [&](auto& b) { return number(b.up); });
  add(out, "vbs_backend_capacity_bytes", "Size of the back-end", "backend", backends,
      of_capacity(&Capacity::total_bytes));
  add(out, "vbs_backend_free_bytes", "What can still be written there", "backend", backends,
      of_capacity(&Capacity::free_bytes));
  std::map<std::string, std::string> ids;
  for (const auto& b : core.registry.backends()) ids[b->row.name] = b->row.id;
  core.database.snapshot([&](store::Session& db) {
    add(out, "vbs_backend_promised_bytes", "Sum of the sizes of its volumes", "backend", backends,
        [&](auto& b) { return number(store::promised_bytes(db, ids[b.name])); });
  });
  add(out, "vbs_backend_calls_running", "Plugin calls that run", "backend", backends,
      [&](auto& b) { return number(b.running); });
  add(out, "vbs_backend_calls_queued", "Plugin calls that wait for a worker", "backend", backends,
      [&](auto& b) { return number(b.queued); });
  add(out, "vbs_host_up", "1: the host's hypervisor answers", "host", hosts, [&](auto& h) { return number(h.up); });
  add(out, "vbs_host_calls_running", "Plugin calls that run", "host", hosts,
      [&](auto& h) { return number(h.running); });
  add(out, "vbs_host_calls_queued", "Plugin calls that wait for a worker", "host", hosts,
      [&](auto& h) { return number(h.queued); });
  for (const auto& d : core.delegates.list())
    out.push_back({"vbs_delegate_up", "1: the delegate answers", {{"delegate", d.name}}, d.up ? 1.0 : 0.0});
  for (const auto& [state, n] : core.engine.live_states())
    out.push_back({"vbs_operations_live",
                   "Operations that have not ended, by state",
                   {{"state", state}},
                   static_cast<double>(n)});
  out.push_back({"vbs_store_writable", "0: the last commit failed", {}, core.database.writer().failing() ? 0.0 : 1.0});
  std::error_code error;
  const auto bytes = std::filesystem::file_size(core.config.data_dir + "/vbs.db", error);
  if (!error) out.push_back({"vbs_store_size_bytes", "Size of vbs.db", {}, static_cast<double>(bytes)});
  out.push_back({"vbs_build_info", "Always 1; the version is a label", {{"version", kVersion}}, 1.0});
  return out;
}
}  // namespace

void add_monitoring_routes(const Context& c) {
  auto& core = c.core;
  c.server.route("GET", "/v1/health", [&core](const http::Request& r, http::Reply reply) {
    check_query(r, {});
    reply(health(core));
  });
  c.route("GET", "/metrics", [&core](const Caller& caller, const http::Request&, http::Reply reply) {
    require_operator(caller.who, "read metrics");
    http::Response answer;
    answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
    answer.body = metrics::text(gauges(core));
    reply(std::move(answer));
  });
}
}  // namespace vbs::native
