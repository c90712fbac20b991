// A Core with plugins/faulty as its back-end "fast" and as the hypervisor of "node1", in a directory that outlives it,
// and a way to run it in a child process that may be killed.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "tests/support/temporary_directory.hpp"
#include "tests/support/test_core.hpp"

namespace vbs::test {

class FaultyService {
 public:
  explicit FaultyService(bool layers = false);
  TestCore start() const { return start(quick()); }
  TestCore start(EngineOptions options) const;
  PluginHostOptions plugins() const;
  std::string config_of_plugin() const;

  void set_faults(const std::string& rules);  // for all that comes; counting begins again
  std::vector<std::string> calls() const;     // since the last set_faults(): "create", "attach" ...
  std::string breaches() const;               // what the plugin says the core must not do
  std::string directory() const { return dir_ / "world"; }
  // What the store names and the plugin's directory does not hold, and the other way round; empty: they agree.
  static std::vector<std::string> differences(TestCore& core, const std::string& directory);

  void keep(const std::string& name) const;     // a copy of all of it
  void restore(const std::string& name) const;  // back to that copy

 private:
  TemporaryDirectory dir_;
  const bool layers_;
  mutable size_t texts_ = 0;
};

// How a child ended: by SIGKILL, or with what f answered (which begins with "!" where f threw).
struct Ended {
  bool killed = false;
  std::string said;
};
// Runs f in a child; the calling process must have one thread only. A child that is stuck for a minute is ended.
Ended in_child(const std::function<std::string()>& f);

}  // namespace vbs::test
