#include "connection.hpp"

#include <algorithm>
#include <thread>

namespace vbs::kvm {
namespace {

using plugin::Error;

// Closing tells the daemon, and waits for it: not for long if it hangs.
void close(virConnectPtr connect) {
  std::packaged_task<void()> task([connect] {
    block_signals();
    virConnectClose(connect);
  });
  auto done = task.get_future();
  std::thread thread(std::move(task));
  if (done.wait_for(std::chrono::seconds(1)) == std::future_status::ready) {
    thread.join();
  } else {
    thread.detach();
  }
}

ConnectPtr open(const std::string& uri) {
  // libvirt would print every error to stderr, which is the host's. The function is the process's; NULL means "print".
  static const bool quiet = [] {
    virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});
    return true;
  }();
  static_cast<void>(quiet);
  return {checked(virConnectOpen(uri.c_str())), close};
}

}  // namespace

void throw_last_error() {
  const auto* e = virGetLastError();
  if (!e) throw LibvirtError(VIR_ERR_INTERNAL_ERROR, VIR_FROM_NONE, "failed and did not say why");
  throw LibvirtError(e->code, e->domain, e->message ? e->message : "no message");
}

DomainPtr own(virDomainPtr domain) { return {domain, virDomainFree}; }

DomainPtr Session::find(const std::string& uuid) {
  try {
    return ask("find a VM",
               [c = connect_, uuid] { return own(checked(virDomainLookupByUUIDString(c.get(), uuid.c_str()))); });
  } catch (const LibvirtError& e) {
    if (e.code == VIR_ERR_NO_DOMAIN) return nullptr;
    if (e.code == VIR_ERR_INVALID_ARG) {
      throw Error(VBS_INVALID, "\"" + uuid + "\" is not the UUID of a VM; virsh domuuid NAME tells it");
    }
    throw;
  }
}

void Session::judge(const LibvirtError& error, bool changes) {
  // Errors of the VM come from VIR_FROM_QEMU and its like; our own end of the line reports as RPC or REMOTE.
  const bool broken = error.domain == VIR_FROM_RPC || error.domain == VIR_FROM_REMOTE;
  if (!broken && virConnectIsAlive(connect_.get()) == 1) throw error;
  connection_.drop(connect_);
  throw Connection::Lost{error.message, changes};
}

ConnectPtr Connection::get(plugin::Call& call) {
  {
    const std::lock_guard lock(mutex_);
    if (connect_) return connect_;
  }
  try {
    auto opened = bounded_.run(call, true, away(), [uri = uri_] { return open(uri); });
    if (!opened) {
      if (call.cancelled()) throw Error(VBS_CANCELLED, "cancelled on request");
      throw Error(VBS_UNAVAILABLE, away() + ": no answer in the time allowed for this call; does libvirtd hang?");
    }
    const std::lock_guard lock(mutex_);
    if (!connect_) connect_ = *opened;  // another call may have been faster
    return connect_;
  } catch (const LibvirtError& e) {
    if (e.message.find("Permission denied") != std::string::npos) {
      throw Error(VBS_DENIED, away() + ": " + e.message + "; run as root or add the user to the group libvirt");
    }
    throw Lost{e.message, false};
  }
}

void Connection::drop(const ConnectPtr& lost) {
  const std::lock_guard lock(mutex_);
  if (connect_ == lost) connect_.reset();  // `lost` still holds it: nothing is closed under the lock
}

void Connection::Retry::pause(const Connection& connection, plugin::Call& call, const Lost& lost) {
  changing = changing || lost.changing;
  if (!until_ms) until_ms = std::max<int64_t>(call.remaining_ms() - connection.reconnect_ms_, 0);
  const int64_t left = call.remaining_ms() - *until_ms;
  if (left <= 0) {
    throw Error(changing ? VBS_UNKNOWN : VBS_UNAVAILABLE,
                connection.away() + ": " + lost.message + "; is libvirtd running?");
  }
  if (call.cancelled()) throw Error(changing ? VBS_UNKNOWN : VBS_CANCELLED, "cancelled on request");
  std::this_thread::sleep_for(std::chrono::milliseconds(std::min(pause_ms, left)));
  pause_ms = std::min<int64_t>(pause_ms * 2, 1000);
}

}  // namespace vbs::kvm
