// Runs blocking calls on threads of their own, so that a plugin call keeps its deadline even when libvirtd hangs.
// libvirt's calls take no time limit, and its keepalive needs an event loop, which a plugin must not bring.
//
// Threading: any thread may call run(); `f` runs elsewhere and must not use the Call. A thread whose call is over is
// left behind; it owns what it uses (capture by value) and ends when libvirt answers or the connection breaks.
#pragma once
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <thread>

#include "vbs/plugin/plugin.hpp"

namespace vbs::kvm {

// For a thread that talks to libvirt. Its client writes to a socket whose other end may be gone: the SIGPIPE would end
// the host, whose handlers are not a plugin's to change. The host's own signals belong to the host's threads, too.
void block_signals();

class Bounded {
 public:
  // Of one instance; more than this left behind, and calls are refused instead of piling up.
  static constexpr int max_threads = 32;

  // Waits as the call allows. Throws Error(VBS_UNAVAILABLE) with `away` if too many threads are stuck; returns nullopt
  // if the time was over first.
  template <class F>
  auto run(const plugin::Call& call, bool cancellable, const std::string& away, F f)
      -> std::optional<std::invoke_result_t<F>> {
    admit(away);
    auto task = std::make_shared<std::packaged_task<std::invoke_result_t<F>()>>(std::move(f));
    auto result = task->get_future();
    std::thread thread([task, running = running_]() mutable {
      block_signals();
      (*task)();
      task.reset();
      --*running;
    });
    while (result.wait_for(slice(call)) != std::future_status::ready) {
      if (over(call, cancellable)) {
        thread.detach();
        return std::nullopt;
      }
    }
    thread.join();
    return result.get();
  }

 private:
  void admit(const std::string& away) const;
  static std::chrono::milliseconds slice(const plugin::Call& call);
  static bool over(const plugin::Call& call, bool cancellable);
  std::shared_ptr<std::atomic<int>> running_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace vbs::kvm
