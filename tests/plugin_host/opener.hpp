// Where these tests get their instances from: the plugin host itself or, in the second build of the same tests
// (VIA_DELEGATE), a delegate in this process, over a UNIX socket.
#pragma once
#include <memory>

#include "core/plugin_host/plugin_host.hpp"
#include "tests/plugin_host/plugin_dir.hpp"
#ifdef VIA_DELEGATE
#include "core/delegates/delegates.hpp"
#include "core/delegates/server/server.hpp"
#endif

namespace vbs::test {

#ifdef VIA_DELEGATE
class Opener {
 public:
  PluginSource& over(PluginHost& host) {
    const auto address = "unix:" + state_.path() + "/socket";
    agent_ = std::make_unique<Agent>(AgentOptions{"d", state_.path(), {"it"}, {"it"}}, host, host.plugins());
    server_ = std::make_unique<DelegateServer>(*agent_, address, DelegateTls{});
    delegates_ = std::make_unique<Delegates>(host, std::vector<DelegateConfig>{{"d", address}}, DelegateTls{});
    return *delegates_;
  }
  Place place() const { return {"it", {"d"}}; }

 private:
  TempDir state_;
  std::unique_ptr<Agent> agent_;
  std::unique_ptr<DelegateServer> server_;
  std::unique_ptr<Delegates> delegates_;
};
#else
class Opener {
 public:
  PluginSource& over(PluginHost& host) { return host; }
  Place place() const { return {"it", {}}; }
};
#endif

}  // namespace vbs::test
