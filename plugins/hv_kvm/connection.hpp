// One libvirt connection per instance, made when it is needed and made again when it was lost.
//
//   return connection.run(call, [&](Session& s) {
//     const auto domain = s.find(uuid);
//     return s.ask("read the definition of a VM", [domain] { return checked(virDomainGetXMLDesc(domain.get(), 0)); });
//   });
//
// The function given to run() is repeated from its start after a lost connection, so it must look before it changes.
// Threading: any thread; libvirt's connections may be shared. Deadlines: see bounded.hpp.
#pragma once
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "bounded.hpp"
#include "vbs/plugin/plugin.hpp"

namespace vbs::kvm {

// What libvirt said. Caught where something better than its own words can be told (explain.hpp).
class LibvirtError : public plugin::Error {
 public:
  LibvirtError(int code, int domain, const std::string& message)
      : Error(VBS_INTERNAL, "libvirt: " + message), code(code), domain(domain), message(message) {}
  int code;    // VIR_ERR_*
  int domain;  // VIR_FROM_*
  std::string message;
};

// On the thread that made the failing call.
[[noreturn]] void throw_last_error();
inline int checked(int result) { return result < 0 ? throw_last_error(), 0 : result; }
template <class T>
T* checked(T* result) {
  return result ? result : (throw_last_error(), nullptr);
}

using ConnectPtr = std::shared_ptr<virConnect>;
using DomainPtr = std::shared_ptr<virDomain>;
DomainPtr own(virDomainPtr domain);  // takes over the reference

class Connection;

// One try at an operation on one connection.
class Session {
 public:
  Session(Connection& connection, plugin::Call& call, ConnectPtr connect)
      : connection_(connection), call_(call), connect_(std::move(connect)) {}

  // Runs f on a bounded thread. `f` captures by value. ask: f changes nothing, so that cancellation ends the wait and a
  // passed deadline is VBS_UNAVAILABLE. change: a passed deadline or a lost connection is VBS_UNKNOWN.
  template <class F>
  auto ask(const char* what, F f) {
    return run(what, false, std::move(f));
  }
  template <class F>
  auto change(const char* what, F f) {
    return run(what, true, std::move(f));
  }

  DomainPtr find(const std::string& uuid);  // null: there is certainly no such VM
  const ConnectPtr& connect() const { return connect_; }
  plugin::Call& call() { return call_; }

 private:
  template <class F>
  auto run(const char* what, bool changes, F f);
  [[noreturn]] void judge(const LibvirtError& error, bool changes);
  Connection& connection_;
  plugin::Call& call_;
  ConnectPtr connect_;
};

class Connection {
 public:
  Connection(std::string uri, unsigned reconnect_s)
      : uri_(std::move(uri)), reconnect_ms_(int64_t{reconnect_s} * 1000) {}

  template <class F>
  auto run(plugin::Call& call, F&& operation) {
    Retry retry;
    for (;;) {
      try {
        Session session(*this, call, get(call));
        retry.until_ms.reset();
        return operation(session);
      } catch (const Lost& lost) {
        retry.pause(*this, call, lost);
      }
    }
  }

  const std::string& uri() const { return uri_; }

 private:
  friend class Session;
  struct Lost {
    std::string message;
    bool changing;
  };
  struct Retry {
    std::optional<int64_t> until_ms;  // of the call's remaining time; counted anew for each outage
    int64_t pause_ms = 50;
    bool changing = false;  // a change may have happened on a connection that was lost
    void pause(const Connection& connection, plugin::Call& call, const Lost& lost);
  };

  ConnectPtr get(plugin::Call& call);  // throws Lost
  void drop(const ConnectPtr& lost);
  std::string away() const { return "cannot reach libvirt at " + uri_; }

  const std::string uri_;
  const int64_t reconnect_ms_;
  Bounded bounded_;
  std::mutex mutex_;  // of connect_; never held over a call to libvirt
  ConnectPtr connect_;
};

template <class F>
auto Session::run(const char* what, bool changes, F f) {
  try {
    auto result = connection_.bounded_.run(call_, !changes, connection_.away(), std::move(f));
    if (result) return *std::move(result);
  } catch (const LibvirtError& e) {
    judge(e, changes);
  }
  if (!changes && call_.cancelled()) throw plugin::Error(VBS_CANCELLED, "cancelled on request");
  connection_.drop(connect_);
  throw plugin::Error(changes ? VBS_UNKNOWN : VBS_UNAVAILABLE,
                      "libvirt at " + connection_.uri() + " did not " + what +
                          " in the time allowed for this call; look into libvirtd's log");
}

}  // namespace vbs::kvm
