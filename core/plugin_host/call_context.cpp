#include "core/plugin_host/call_context.hpp"

#include <fmt/format.h>

#include "core/base/error.hpp"
#include "core/base/log.hpp"
#include "vbs/plugin/plugin.hpp"

namespace vbs {
namespace {
struct Meaning {
  Code code;
  const char* text;  // where the plugin gave no reason
};
const Meaning* meaning(vbs_status status) {
  static constexpr Meaning kTable[] = {
      {Code::internal, ""},
      {Code::invalid, "a parameter is wrong"},
      {Code::not_found, "the object does not exist"},
      {Code::conflict, "it exists with other parameters, or the name is taken"},
      {Code::no_space, "there is not enough space"},
      {Code::conflict, "something holds the object; try again later"},
      {Code::unavailable, "the back-end does not answer; check that it is mounted and running"},
      {Code::not_supported, "not supported in this configuration"},
      {Code::cancelled, "cancelled on request"},
      {Code::unknown_outcome, "it may or may not have happened"},
      {Code::internal, "the system denied the plugin access; check the permissions"},
      {Code::internal, "an internal error"},
      {Code::conflict, "a newer attempt has worked on this object"}};
  return status > VBS_OK && status <= VBS_STALE ? &kTable[status] : nullptr;
}
}  // namespace

CallContext::CallContext(const HostServices& host, const Call& call, const char* operation)
    : host_(host), call_(call), operation_(operation) {
  raw_ = {sizeof(vbs_call), 0,         plugin::str(call.id), call.epoch, this, remaining_entry, cancelled_entry,
          progress_entry,   log_entry, fail_entry,           item_entry};
}

void CallContext::check(vbs_status status) const {
  if (status == VBS_OK) {
    if (!problem_.empty()) wrong_answer(problem_);
    return;
  }
  const auto* m = meaning(status);
  if (!m)
    throw Error(Code::internal,
                fmt::format("plugin {} answered status {}, which is not in the ABI, to {}{}", host_.plugin(), status,
                            operation_, failure_.empty() ? "" : ": " + failure_));
  if (!failure_.empty()) throw Error(m->code, failure_);
  throw Error(m->code, fmt::format("plugin {}, {}: {} (it gave no reason)", host_.plugin(), operation_, m->text));
}

void CallContext::hide(vbs_call* call, const std::vector<std::string>& secrets) {
  auto& hidden = self(call).hidden_;
  hidden.insert(hidden.end(), secrets.begin(), secrets.end());
}

InstanceFacts CallContext::take_instance(vbs_status status, void* instance, void (*close)(void*)) {
  try {
    check(status);
    if (results_.instances.size() != 1 || !instance)
      wrong_answer("an instance and exactly one INSTANCE item were expected");
  } catch (const Error&) {
    if (status == VBS_OK && instance) close(instance);
    throw;
  }
  return std::move(results_.instances[0]);
}

void CallContext::wrong_answer(const std::string& what) const {
  throw Error(Code::internal,
              fmt::format("plugin {} gave an unusable answer to {}: {}; report it to the plugin's author",
                          host_.plugin(), operation_, what));
}

void CallContext::no_function() const {
  throw Error(Code::not_supported, fmt::format("plugin {} does not support {}", host_.plugin(), operation_));
}

void CallContext::escaped() const {
  throw Error(Code::internal, fmt::format("plugin {} let an exception escape from {}; report it to the plugin's author",
                                          host_.plugin(), operation_));
}

bool CallContext::on_own_thread(const char* callback) const {
  if (std::this_thread::get_id() == thread_) return true;
  logger().error("plugin {}: {} was called from another thread than the call's; ignored", host_.plugin(), callback);
  return false;
}

int64_t CallContext::remaining_entry(vbs_call* call) {
  using namespace std::chrono;
  return duration_cast<milliseconds>(self(call).call_.deadline - steady_clock::now()).count();
}

int32_t CallContext::cancelled_entry(vbs_call* call) {
  const auto& cancel = self(call).call_.cancel;
  return cancel && cancel->is_set() ? 1 : 0;
}

void CallContext::progress_entry(vbs_call* call, uint64_t done, uint64_t total) {
  try {
    auto& me = self(call);
    if (me.call_.progress && me.on_own_thread("progress")) me.call_.progress(done, total);
  } catch (const std::exception& e) {
    logger().warn("progress of a plugin call could not be recorded: {}", for_log(e.what()));
  } catch (...) {
    logger().warn("progress of a plugin call could not be recorded");
  }
}

void CallContext::log_entry(vbs_call* call, int32_t level, vbs_str text) {
  try {
    const auto& me = self(call);
    me.host_.write_log(level, fmt::format(" [{}] {}", for_log(me.call_.id, 128), me.operation_),
                       redact(plugin::text(text), me.hidden_));
  } catch (...) {  // a log line is not worth an abort
  }
}

void CallContext::fail_entry(vbs_call* call, vbs_str text) {
  try {
    auto& me = self(call);
    if (me.on_own_thread("fail")) me.failure_ = me.host_.clean(redact(plugin::text(text), me.hidden_));
  } catch (...) {  // out of memory: the status alone must do
  }
}

void CallContext::item_entry(vbs_call* call, uint32_t kind, const void* item) {
  auto& me = self(call);
  try {
    if (me.on_own_thread("add_item")) me.results_.add(kind, item);
  } catch (const std::exception& e) {
    if (me.problem_.empty()) me.problem_ = e.what();
  } catch (...) {
    if (me.problem_.empty()) me.problem_ = "an item could not be taken";
  }
}

}  // namespace vbs
