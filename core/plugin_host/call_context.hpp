// One call into a plugin, from the host's side: builds the vbs_call, takes what the plugin adds, and turns its status
// into a vbs::Error.
//
//   CallContext context(host, call, "create");
//   context.run(table.create, instance, context.raw(), &args);   // throws unless VBS_OK and every item was acceptable
//   use(context.results().objects);
//
// Threading: belongs to the thread that made it. A plugin that uses the sinks from another one is told off in the log.
#pragma once
#include <string>
#include <thread>
#include <vector>

#include "core/plugin_host/call.hpp"
#include "core/plugin_host/host_services.hpp"
#include "core/plugin_host/results.hpp"

namespace vbs {

class CallContext {
 public:
  CallContext(const HostServices& host, const Call& call, const char* operation);
  CallContext(const CallContext&) = delete;
  CallContext& operator=(const CallContext&) = delete;

  vbs_call* raw() { return &raw_; }
  CallResults& results() { return results_; }

  // Like run(), but the status is the caller's to judge. Throws Error(not_supported) where the function is NULL.
  template <class F, class... Args>
  vbs_status ask(F function, Args... args) {
    if (!function) no_function();
    try {
      return function(args...);
    } catch (...) {  // forbidden by the ABI, and still no reason to end the service
      escaped();
    }
  }
  template <class F, class... Args>
  void run(F function, Args... args) {
    check(ask(function, args...));
  }
  // Throws what `status` stands for, or Error(internal) if an item was not acceptable.
  void check(vbs_status status) const;
  // The end of an open(): its facts, or an error after what was opened has been closed again.
  InstanceFacts take_instance(vbs_status status, void* instance, void (*close)(void*));
  // Values that must not come back in what the plugin says during this call (arguments of a command it ran).
  static void hide(vbs_call* call, const std::vector<std::string>& secrets);
  // The plugin answered OK, but not what was asked for.
  [[noreturn]] void wrong_answer(const std::string& what) const;

 private:
  [[noreturn]] void no_function() const;
  [[noreturn]] void escaped() const;
  bool on_own_thread(const char* callback) const;
  static CallContext& self(vbs_call* call) { return *static_cast<CallContext*>(call->host_data); }
  static int64_t remaining_entry(vbs_call*);
  static int32_t cancelled_entry(vbs_call*);
  static void progress_entry(vbs_call*, uint64_t done, uint64_t total);
  static void log_entry(vbs_call*, int32_t level, vbs_str text);
  static void fail_entry(vbs_call*, vbs_str text);
  static void item_entry(vbs_call*, uint32_t kind, const void* item);

  const HostServices& host_;
  const Call& call_;
  const char* operation_;
  const std::thread::id thread_ = std::this_thread::get_id();
  CallResults results_;
  std::vector<std::string> hidden_;
  std::string failure_;  // what the plugin said last through fail()
  std::string problem_;  // the first thing wrong with what it added
  vbs_call raw_{};
};

}  // namespace vbs
