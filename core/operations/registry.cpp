#include "core/operations/registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <future>

#include "core/base/log.hpp"
#include "core/base/watch.hpp"
#include "core/operations/export_use.hpp"
#include "vbs/plugin/storage.h"

namespace vbs {
namespace {
constexpr std::chrono::milliseconds kOpenAgain{5000};

// What is wrong in vbsd's configuration stays so; a delegate's own may be mended while vbsd runs.
bool stays_wrong(const Error& e, const Place& place) {
  if (e.code() != Code::invalid && e.code() != Code::not_supported) return false;
  return place.delegates.empty() || e.field() == "delegate";
}
}  // namespace

Registry::~Registry() { stop(); }

void Registry::start(const std::vector<BackendConfig>& backends, const std::vector<HostConfig>& hosts) {
  database_.writer().transact([&](store::Tx& tx) {
    for (const auto& c : backends)
      backends_.push_back(std::make_unique<Backend>(store::ensure_backend(tx, {"", c.name, c.plugin}), c));
    for (const auto& c : hosts)
      hosts_.push_back(std::make_unique<Host>(
          store::ensure_host(tx, {"", c.name, store::json_list(c.aliases), c.hypervisor, c.initiator}), c));
  });
  for (const auto& h : hosts_)
    h->connectors = plugins_.connectors_at(h->config.place(), h->config.hypervisor, h->config.config);
  const size_t configured_backends = backends_.size(), configured_hosts = hosts_.size();
  database_.read([&](store::Session& db) { add_forgotten(db); });
  for (size_t i = 0; i < configured_backends; ++i) open_in_time(*backends_[i]);
  for (size_t i = 0; i < configured_hosts; ++i) open_in_time(*hosts_[i]);
}

// What the store knows and the configuration no longer names stays visible, as something that is down: its volumes are
// still somewhere, and operations on them wait rather than keep vbsd from starting.
void Registry::add_forgotten(store::Session& db) {
  constexpr const char* why = "it is in the store, but no longer in the configuration";
  for (const auto& row : store::list_backends(db)) {
    if (std::any_of(backends_.begin(), backends_.end(), [&](const auto& b) { return b->row.id == row.id; })) continue;
    backends_.push_back(std::make_unique<Backend>(row, BackendConfig{row.name, row.plugin}));
    backends_.back()->slot.set(nullptr, why);
  }
  for (const auto& row : store::list_hosts(db)) {
    if (std::any_of(hosts_.begin(), hosts_.end(), [&](const auto& h) { return h->row.id == row.id; })) continue;
    hosts_.push_back(std::make_unique<Host>(row, HostConfig{row.name, row.hypervisor}));
    hosts_.back()->slot.set(nullptr, why);
  }
}

void Registry::stop() {
  stopping_ = true;
  for (const auto& b : backends_) b->slot.pool().stop();
  for (const auto& h : hosts_) h->slot.pool().stop();
}

size_t Registry::hanging() const {
  size_t n = 0;
  for (const auto& b : backends_) n += b->slot.pool().lost();
  for (const auto& h : hosts_) n += h->slot.pool().lost();
  return n;
}

// An open that hangs, in a file system that is away say, must not keep all else from working.
template <class T>
void Registry::open_in_time(T& item) {
  auto promise = std::make_shared<std::promise<void>>();
  auto watch = std::make_shared<Watch>(item.slot.pool());
  auto result = promise->get_future();
  item.slot.pool().submit([this, &item, promise, watch] {
    if (!watch->begin()) return;
    std::exception_ptr error;
    try {
      open(item);
    } catch (const Error& e) {
      error = std::current_exception();
      item.slot.set(nullptr, e.what());
    }
    if (!watch->end()) logger().warn("{} has come back from opening: {}", item.row.name, item.slot.error());
    error ? promise->set_exception(error) : promise->set_value();
  });
  if (result.wait_for(open_limit) == std::future_status::ready || !watch->give_up()) return result.get();
  logger().error("{} does not answer: opening it has not returned after {} s; all else goes on", item.row.name,
                 open_limit.count() / 1000);
}

// A wrong configuration stops the start; anything else may pass, so it is tried again.
void Registry::open(Backend& b) {
  try {
    auto plugin = plugins_.open_storage_at(b.config.place(), b.config.plugin, b.row.id, b.config.config);
    const auto restore = [this, &b](StorageBackend& opened) {
      if (opened.has(VBS_CAP_VOLATILE_EXPORTS)) make_exports_again(database_, *this, b.row, opened);
    };
    restore(*plugin);
    plugin->after_reopen(restore);
    b.slot.set(std::move(plugin), "");
    logger().info("back-end {} is open ({})", b.row.name, b.config.plugin);
  } catch (const Error& e) {
    if (stays_wrong(e, b.config.place()))
      throw Error(Code::invalid, fmt::format("back-end '{}': {}", b.row.name, e.what()), e.field());
    if (b.slot.error() != e.what()) logger().warn("back-end {} cannot be opened: {}", b.row.name, e.what());
    b.slot.set(nullptr, e.what());
    try_later(b);
  }
}

void Registry::open(Host& h) {
  if (h.config.hypervisor.empty()) return;  // a host whose VMs are plugged by somebody else
  try {
    auto plugin = plugins_.open_hypervisor_at(h.config.place(), h.config.hypervisor, h.config.config);
    const auto restore = [this, &h] { make_connections_again(database_, h); };
    restore();
    plugin->after_reopen(restore);
    h.slot.set(std::move(plugin), "");
  } catch (const Error& e) {
    if (stays_wrong(e, h.config.place()))
      throw Error(Code::invalid, fmt::format("host '{}': {}", h.row.name, e.what()), e.field());
    if (h.slot.error() != e.what()) logger().warn("host {}: {}", h.row.name, e.what());
    h.slot.set(nullptr, e.what());
    try_later(h);
  }
}

template <class T>
void Registry::try_later(T& item) {
  if (stopping_) return;
  timer_.after(kOpenAgain, [this, &item] {
    if (stopping_) return;
    item.slot.pool().try_submit([this, &item] {
      try {
        open(item);
      } catch (const Error& e) {
        item.slot.set(nullptr, e.what());
        logger().error("{}", e.what());
      }
    });
  });
}

Backend& Registry::backend(const std::string& id) const {
  for (const auto& b : backends_)
    if (b->row.id == id) return *b;
  throw Error(Code::internal, fmt::format("there is no back-end with id {}", id));
}

Backend& Registry::backend_by_name(const std::string& name) const {
  for (const auto& b : backends_)
    if (name.empty() || b->row.name == name) return *b;
  throw Error(Code::invalid,
              name.empty() ? "no back-end is configured" : fmt::format("there is no back-end '{}'", for_log(name, 255)),
              "backend");
}

Host& Registry::host(const std::string& id) const {
  for (const auto& h : hosts_)
    if (h->row.id == id) return *h;
  throw Error(Code::internal, fmt::format("there is no host with id {}", id));
}

Host& Registry::host_by_name(const std::string& name) const {
  for (const auto& h : hosts_)
    if (h->row.name == name || std::count(h->config.aliases.begin(), h->config.aliases.end(), name)) return *h;
  throw Error(Code::not_found, fmt::format("there is no host '{}' in the host table", for_log(name, 255)), "host");
}

Connector& Host::connector(const std::string& kind) const {
  if (const auto it = connectors.find(kind); it != connectors.end()) return *it->second;
  std::string have;
  for (const auto& [name, connector] : connectors) have += (have.empty() ? "" : ", ") + name;
  throw Error(Code::not_supported,
              fmt::format("host {} has no connector for '{}'; it has: {}", row.name, for_log(kind, 64), have));
}
}  // namespace vbs
