#include "core/service/core.hpp"

#include <algorithm>
#include <future>

#include "core/base/clock.hpp"
#include "core/base/ids.hpp"
#include "core/base/log.hpp"
#include "core/service/chain_watch.hpp"
#include "core/service/vm_watch.hpp"

namespace vbs {
namespace {
constexpr std::chrono::hours kHousekeeping{1};
constexpr std::chrono::seconds kLookForGoneVms{30}, kLookForLongChains{30};
constexpr int64_t kDay = 24ll * 3600 * 1000000;
constexpr int64_t kKeepOperations = 7 * kDay;  // ended ones; the audit trail (events) stays

struct Repeated {
  Admitted first;
};

std::optional<Admitted> token_led_to(store::Session& db, const Caller& caller) {
  if (caller.token.empty()) return std::nullopt;
  const auto before = store::find_idempotency(db, caller.who.user_id, caller.token);
  if (!before) return std::nullopt;
  if (before->request_hash != caller.request_hash) throw_token_reused();
  return Admitted{before->object_id, before->operation_id};
}
}  // namespace

Core::Core(const Config& c, PluginHostOptions p, EngineOptions e, PluginSource* source, SpawnOptions spawn)
    : config(c),
      database(c.data_dir),
      plugins(std::move(p)),
      delegates(source ? *source : plugins, c.delegates, c.delegate_tls, std::move(spawn)),
      registry(delegates, database, timer),
      engine(database, registry, timer, e),
      directory(database, c.operators),
      monitor(registry, timer) {}

Core::~Core() {
  delegates.on_up(nullptr);
  // In this order nothing calls into a part that is gone: no new steps, the running ones end, no more callbacks.
  engine.stop();
  timer.stop();
  background_.stop();
  registry.stop();
  database.writer().stop();
}

void Core::start() {
  plugins.scan();
  registry.start(config.backends, config.hosts);
  engine.resume();
  delegates.on_up([this](const std::string& name) { wake_what_runs_on(name); });
  monitor.start();
  housekeeping();
  watch_vms();
  if (config.flatten_above != 0) watch_chains();
}

// What runs there is asked something at once: a delegate that was started anew opens it for that, and makes its exports
// and connections again, which guests may be waiting for.
void Core::wake_what_runs_on(const std::string& delegate) {
  const auto wake = [&](auto& item, const std::vector<std::string>& delegates, auto question) {
    if (!std::count(delegates.begin(), delegates.end(), delegate) &&
        delegate != SpawnedDelegate::name_for(item.row.name))
      return;
    item.slot.pool().try_submit([&item, question] {
      try {
        question(item.slot.plugin(), Call{.id = "greeting"});
      } catch (const Error& e) {
        logger().info("{}: {}", item.row.name, e.what());
      }
    });
    engine.answers_again(item.slot.pool());
  };
  for (const auto& b : registry.backends())
    wake(*b, b->config.delegates, [](StorageBackend& p, const Call& c) { p.capacity(c); });
  for (const auto& h : registry.hosts())
    wake(*h, h->config.place().delegates, [](Hypervisor& p, const Call& c) { p.facts(c); });
}

void Core::housekeeping() {
  database.writer().submit(
      [](store::Tx& tx) {
        store::expire_idempotency(tx, now_us() - kDay);
        store::forget_operations(tx, now_us() - kKeepOperations);
      },
      [](std::exception_ptr e) {
        if (e) logger().warn("housekeeping of the store failed; it is tried again in an hour");
      });
  timer.after(kHousekeeping, [this] { housekeeping(); });
}

void Core::watch_vms() {
  timer.after(kLookForGoneVms, [this] {
    background_.try_submit([this] { free_gone_vms(*this); });
    watch_vms();
  });
}

void Core::watch_chains() {
  timer.after(kLookForLongChains, [this] {
    background_.try_submit([this] { flatten_long_chains(*this); });
    watch_chains();
  });
}

Admitted Core::admit(const Caller& caller, store::OperationRow operation, std::function<void(store::Tx&)> prepare) {
  const Admitted admitted{operation.object_id, operation.id};
  auto promise = std::make_shared<std::promise<void>>();
  auto result = promise->get_future();
  engine.submit(
      std::move(operation),
      [&caller, &admitted, prepare = std::move(prepare)](store::Tx& tx) {
        if (const auto before = token_led_to(tx.db, caller)) throw Repeated{*before};
        if (!caller.token.empty())
          store::insert_idempotency(
              tx, {caller.who.user_id, caller.token, caller.request_hash, admitted.object_id, admitted.operation_id});
        prepare(tx);
      },
      [promise](std::exception_ptr error, const store::OperationRow&) {
        error ? promise->set_exception(error) : promise->set_value();
      });
  try {
    result.get();
    return admitted;
  } catch (const Repeated& r) {
    return r.first;
  }
}

std::optional<Admitted> Core::admitted_before(const Caller& caller) {
  return database.read([&](store::Session& db) { return token_led_to(db, caller); });
}

void throw_token_reused() {
  throw Error(Code::conflict, "this Idempotency-Key was used for another request: use a new one", "Idempotency-Key");
}

store::OperationRow new_operation(const Caller& caller, const char* kind, const char* object_kind,
                                  const std::string& object_id, std::string params) {
  store::OperationRow o;
  o.id = new_uuid();
  o.kind = kind;
  o.project_id = caller.who.project_id;
  o.user_id = caller.who.user_id;
  o.subject = caller.who.subject;
  o.object_kind = object_kind;
  o.object_id = object_id;
  o.params = std::move(params);
  o.request_id = caller.request_id;
  return o;
}
}  // namespace vbs
