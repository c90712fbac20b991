// A delegate without its wire: lease, instances, calls. server.hpp puts gRPC before it.
//
// Threading: any thread. Errors: Error(unavailable) with field "lease" (greet again) or "instance" (open it again);
// whatever is thrown by run() means that the call certainly has not begun.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/delegates/server/call_table.hpp"
#include "core/delegates/server/epochs.hpp"
#include "core/delegates/server/instances.hpp"
#include "core/delegates/server/lease.hpp"
#include "core/plugin_host/plugin_host.hpp"

namespace vbs {

struct AgentOptions {
  std::string name;
  std::string state_directory;               // of the file `epochs`
  std::vector<std::string> backends, hosts;  // that it may serve
};

class Agent {
 public:
  // `plugins` must outlive it; `list` is what the greeting tells of them.
  Agent(AgentOptions options, PluginSource& plugins, std::vector<PluginInfo> list);
  ~Agent();  // stop()
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  wire::Welcome greet(const wire::Greeting&);
  wire::LeaseAnswer renew(const wire::Lease&);
  wire::OpenAnswer open(const wire::OpenRequest&);
  std::shared_ptr<CallRecord> run(const wire::CallRequest&);
  std::shared_ptr<CallRecord> follow(const wire::CallId&);
  void cancel(const wire::CallId&);
  // Takes no new calls, lets running ones end for that long, then tells them to; false: some have not returned.
  bool stop(std::chrono::milliseconds patience);

 private:
  void watch_lease();
  void execute(CallRecord& record, const wire::CallRequest& request, CallRecord::Clock::time_point deadline);
  void dispatch(const wire::CallRequest& request, const Call& call, wire::Result* to);

  const AgentOptions options_;
  const std::vector<PluginInfo> list_;
  const std::string instance_, boot_id_;
  Lease lease_;
  CallTable calls_;
  Epochs epochs_;
  std::atomic<bool> refusing_{false};
  std::mutex mutex_;
  std::condition_variable ending_;
  bool end_ = false;
  std::thread watcher_;
  const std::map<std::string, std::unique_ptr<Connector>> connectors_;
  Instances instances_;  // last: its threads end before what they use
};

}  // namespace vbs
