#include "core/delegates/server/agent.hpp"

#include <fmt/format.h>

#include <fstream>

#include "core/base/crash_point.hpp"
#include "core/base/error.hpp"
#include "core/base/ids.hpp"
#include "core/base/log.hpp"
#include "core/base/version.hpp"
#include "core/delegates/protocol.hpp"
#include "core/delegates/server/dispatch.hpp"
#include "core/delegates/wire.hpp"

namespace vbs {
namespace {
constexpr std::chrono::milliseconds kLook{200};
constexpr std::chrono::seconds kShortestLease{1}, kLongestLease{300};

std::string boot_id() {
  std::string id;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), id);
  return id;
}

std::chrono::milliseconds lease_time(uint64_t ms) {
  const std::chrono::milliseconds time(ms);
  if (time < kShortestLease || time > kLongestLease)
    throw Error(Code::invalid, fmt::format("a lease of {} ms: from {} to {} s are possible", ms, kShortestLease.count(),
                                           kLongestLease.count()));
  return time;
}
}  // namespace

Agent::Agent(AgentOptions options, PluginSource& plugins, std::vector<PluginInfo> list)
    : options_(std::move(options)),
      list_(std::move(list)),
      instance_(new_uuid()),
      boot_id_(boot_id()),
      epochs_(options_.state_directory + "/epochs"),
      watcher_([this] { watch_lease(); }),
      connectors_(plugins.connectors_at({}, "", "")),
      instances_(plugins, options_.backends, options_.hosts) {}

Agent::~Agent() {
  stop(std::chrono::milliseconds(0));
  {
    const std::lock_guard lock(mutex_);
    end_ = true;
  }
  ending_.notify_all();
  watcher_.join();
}

void Agent::watch_lease() {
  std::unique_lock lock(mutex_);
  while (!ending_.wait_for(lock, kLook, [this] { return end_; })) {
    if (!lease_.ran_out()) continue;
    if (const auto running = calls_.running())
      logger().error("vbsd has not renewed the lease: {} running calls are told to end", running);
    else
      logger().warn("vbsd has not renewed the lease: no calls are taken until it greets again");
    calls_.abandon_all();
    instances_.close_all();
  }
}

wire::Welcome Agent::greet(const wire::Greeting& g) {
  wire::Welcome w;
  w.set_name(options_.name);
  w.set_version(kVersion);
  w.set_instance(instance_);
  w.set_boot_id(boot_id_);
  if (g.newest_protocol() < kOldestProtocol || g.oldest_protocol() > kNewestProtocol) {
    logger().error(
        "vbsd {} speaks versions {} to {} of the protocol, this delegate {} to {}: bring both to one version",
        for_log(g.version(), 64), g.oldest_protocol(), g.newest_protocol(), kOldestProtocol, kNewestProtocol);
    return w;
  }
  if (g.holder().empty()) throw Error(Code::invalid, "the greeting does not say who greets", "holder");
  const auto time = lease_time(g.lease_ms());
  if (lease_.take(g.holder(), time)) {
    calls_.abandon_all();
    instances_.close_all();
  }
  w.set_protocol(std::min(g.newest_protocol(), kNewestProtocol));
  for (const auto& name : instances_.backends()) w.add_backends(name);
  for (const auto& name : instances_.hosts()) w.add_hosts(name);
  for (const auto& info : list_) {
    auto* p = w.add_plugins();
    p->set_name(info.name);
    p->set_version(info.version);
    p->set_refusal(info.refusal);
  }
  w.set_running(calls_.running());
  logger().info("greeted by vbsd {}, run {}", for_log(g.version(), 64), for_log(g.holder(), 64));
  return w;
}

wire::LeaseAnswer Agent::renew(const wire::Lease& l) {
  wire::LeaseAnswer answer;
  answer.set_held(lease_.renew(l.holder(), lease_time(l.lease_ms())));
  answer.set_instance(instance_);
  answer.set_running(calls_.running());
  return answer;
}

wire::OpenAnswer Agent::open(const wire::OpenRequest& r) {
  wire::OpenAnswer answer;
  try {
    lease_.check(r.holder());
    to_wire(instances_.open(r), answer.mutable_facts());
  } catch (const Error& e) {
    to_wire(e, answer.mutable_failure());
  }
  return answer;
}

std::shared_ptr<CallRecord> Agent::run(const wire::CallRequest& r) {
  lease_.check(r.holder());
  if (refusing_) throw Error(Code::unavailable, "the delegate is stopping");
  auto& pool = instances_.pool(r.kind(), r.name());
  const auto deadline = CallRecord::Clock::now() + std::chrono::milliseconds(r.remaining_ms());
  auto record = calls_.begin(r.call(), r.operation());
  if (!pool.try_submit([this, record, r, deadline] { execute(*record, r, deadline); })) {
    wire::Result result;
    to_wire(Error(Code::unavailable, "too many calls wait or hang on the delegate for " + pool.name()),
            result.mutable_failure());
    record->finish(std::move(result));
  }
  return record;
}

void Agent::execute(CallRecord& record, const wire::CallRequest& r, CallRecord::Clock::time_point deadline) {
  const LogScope scope{{"request", r.request_id()}, {"operation", r.operation()}, {"call", r.step()}};
  const LogTap tap(record);
  wire::Result result;
  try {
    lease_.check(r.holder());
    if (!r.operation().empty()) epochs_.admit(r.operation(), r.epoch());
    calls_.wait_for_others(record, deadline);
    Call call;
    call.id = r.step();
    call.epoch = r.epoch();
    call.request_id = r.request_id();
    call.deadline = deadline;
    call.cancel = record.cancel();
    call.progress = [&record](uint64_t done, uint64_t total) { record.progress(done, total); };
    const auto point = "delegate." + r.step().substr(r.step().find('/') + 1);
    crash_point(point + ".before");
    dispatch(r, call, &result);
    crash_point(point + ".ran");
  } catch (const Error& e) {
    result.Clear();
    to_wire(e, result.mutable_failure());
  } catch (const std::exception& e) {
    result.Clear();
    to_wire(Error(Code::internal, e.what()), result.mutable_failure());
  }
  if (result.has_failure() && record.abandoned())
    to_wire(Error(Code::unknown_outcome, "the call was broken off on the delegate: " + result.failure().message()),
            result.mutable_failure());
  record.finish(std::move(result));
}

void Agent::dispatch(const wire::CallRequest& r, const Call& call, wire::Result* to) {
  const auto& a = r.arguments();
  if (r.kind() == wire::STORAGE) return run_storage(*instances_.storage(r.name()), a, call, to);
  if (is_connector_call(a)) {
    const auto it = connectors_.find(connection_kind(a));
    if (it != connectors_.end()) return run_connector(*it->second, a, call, to);
    throw Error(Code::not_supported,
                fmt::format("this delegate has no connector for '{}'", for_log(connection_kind(a), 64)));
  }
  const auto hypervisor = instances_.hypervisor(r.name());
  if (!hypervisor) throw Error(Code::not_supported, "host " + for_log(r.name(), 255) + " has no hypervisor");
  run_hypervisor(*hypervisor, a, call, to);
}

std::shared_ptr<CallRecord> Agent::follow(const wire::CallId& id) {
  lease_.check(id.holder());
  if (auto record = calls_.find_or_forbid(id.call())) return record;
  throw Error(Code::unavailable, "the call has not reached the delegate, and is not taken any more");
}

void Agent::cancel(const wire::CallId& id) {
  lease_.check(id.holder());
  if (const auto record = calls_.find(id.call())) record->cancel()->set();
}

bool Agent::stop(std::chrono::milliseconds patience) {
  refusing_ = true;
  const auto wait = [this](std::chrono::milliseconds time) {
    const auto until = CallRecord::Clock::now() + time;
    while (calls_.running() != 0 && CallRecord::Clock::now() < until) std::this_thread::sleep_for(kLook / 4);
    return calls_.running() == 0;
  };
  if (wait(patience)) return true;
  calls_.abandon_all();
  return wait(std::chrono::seconds(5));
}

}  // namespace vbs
