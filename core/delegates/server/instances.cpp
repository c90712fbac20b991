#include "core/delegates/server/instances.hpp"

#include <fmt/format.h>

#include <thread>

#include "core/base/error.hpp"
#include "core/base/log.hpp"

namespace vbs {
namespace {
constexpr size_t kThreads = 64;  // of one instance: as many calls as vbsd's configuration allows at once
constexpr size_t kQueue = 256;
constexpr std::chrono::seconds kOpenWait{20}, kCloseWait{5};
}  // namespace

Instances::Slot::Slot(std::string label) : pool(std::move(label), kThreads, kQueue) {}

Instances::Instances(PluginSource& plugins, std::vector<std::string> backends, std::vector<std::string> hosts)
    : plugins_(plugins), backends_(std::move(backends)), hosts_(std::move(hosts)) {
  for (const auto& name : backends_) slots_[{wire::STORAGE, name}] = std::make_unique<Slot>("back-end " + name);
  for (const auto& name : hosts_) slots_[{wire::HYPERVISOR, name}] = std::make_unique<Slot>("host " + name);
}

Instances::~Instances() {
  for (const auto& [key, slot] : slots_) slot->pool.stop();
}

Instances::Slot& Instances::slot(wire::Kind kind, const std::string& name) const {
  const auto it = slots_.find({kind, name});
  if (it != slots_.end()) return *it->second;
  throw Error(Code::forbidden,
              fmt::format("the delegate does not serve {} {}: name it under 'serves' in its configuration",
                          kind == wire::STORAGE ? "back-end" : "host", for_log(name, 255)));
}

WorkerPool& Instances::pool(wire::Kind kind, const std::string& name) const { return slot(kind, name).pool; }

// To close may take as long as a call, so a thread of the pool does it.
void Instances::close_all() {
  for (const auto& [key, slot] : slots_) {
    std::shared_ptr<void> open;
    {
      const std::lock_guard lock(slot->mutex);
      open = slot->storage ? std::shared_ptr<void>(std::move(slot->storage)) : std::move(slot->hypervisor);
      slot->storage.reset();
      slot->hypervisor.reset();
      slot->settings.clear();
      if (open) slot->closing = open;
    }
    if (open) slot->pool.try_submit([open = std::move(open)]() mutable { open.reset(); });
  }
}

void Instances::wait_for_close(const Slot& s) {
  const auto until = std::chrono::steady_clock::now() + kCloseWait;
  const auto closing = [&] {
    const std::lock_guard lock(s.mutex);
    return !s.closing.expired();
  };
  while (closing() && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

InstanceFacts Instances::open(const wire::OpenRequest& r) {
  auto& s = slot(r.kind(), r.name());
  const std::unique_lock opening(s.opening, kOpenWait);
  if (!opening)
    throw Error(Code::unavailable, fmt::format("opening {} on the delegate does not return", for_log(r.name(), 255)));
  wait_for_close(s);
  const auto settings = fmt::format("{}\n{}\n{}", r.plugin(), r.backend_id(), r.config());
  {
    const std::lock_guard lock(s.mutex);
    if (s.settings == settings && !r.fresh()) return s.facts;
    // What is open under other settings goes first: both may want the same device.
    s.settings.clear();
    s.storage.reset();
    s.hypervisor.reset();
  }
  std::shared_ptr<StorageBackend> storage;
  std::shared_ptr<Hypervisor> hypervisor;
  InstanceFacts facts;
  if (r.kind() == wire::STORAGE) {
    storage = plugins_.open_storage(r.plugin(), r.backend_id(), r.config());
    facts = storage->instance();
  } else if (!r.plugin().empty()) {
    hypervisor = plugins_.open_hypervisor(r.plugin(), r.config());
  }
  const std::lock_guard lock(s.mutex);
  s.settings = settings;
  s.facts = facts;
  s.storage = std::move(storage);
  s.hypervisor = std::move(hypervisor);
  logger().info("{} is open ({})", s.pool.name(), r.plugin().empty() ? "no hypervisor" : r.plugin());
  return facts;
}

std::shared_ptr<StorageBackend> Instances::storage(const std::string& name) const {
  const auto& s = slot(wire::STORAGE, name);
  const std::lock_guard lock(s.mutex);
  if (!s.storage) throw Error(Code::unavailable, s.pool.name() + " is not open on the delegate", "instance");
  return s.storage;
}

std::shared_ptr<Hypervisor> Instances::hypervisor(const std::string& name) const {
  const auto& s = slot(wire::HYPERVISOR, name);
  const std::lock_guard lock(s.mutex);
  if (s.settings.empty()) throw Error(Code::unavailable, s.pool.name() + " is not open on the delegate", "instance");
  return s.hypervisor;
}

}  // namespace vbs
