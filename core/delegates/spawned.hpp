// A vbs-delegate that vbsd runs beside itself, for one back-end or host whose plugin may crash or hang: started on a
// UNIX socket in a directory of its own, started again whenever it ends, ended with vbsd. It dies with vbsd, too, if
// that is killed; one that cannot be killed, because it hangs in a file system, keeps its lock, and its successor waits
// for that.
//
// Threading: a thread of its own starts and watches the process. Errors: Error(unavailable) for a directory that cannot
// be made.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/delegates/delegate_config.hpp"

namespace vbs {

struct SpawnOptions {
  std::string program;               // vbs-delegate; empty: nothing can be spawned
  std::string directory;             // of all their sockets and states
  std::vector<std::string> plugins;  // directories
  std::string commands;              // of the operator: a JSON object, plugin -> command -> argument vector
  std::string log_level = "info";
};

class SpawnedDelegate {
 public:
  enum class Serves { backend, host };
  SpawnedDelegate(const SpawnOptions& options, Serves what, const std::string& name);
  ~SpawnedDelegate();  // ends the process; leaves one behind that cannot be killed
  SpawnedDelegate(const SpawnedDelegate&) = delete;
  SpawnedDelegate& operator=(const SpawnedDelegate&) = delete;
  const DelegateConfig& config() const;                                              // how it is reached
  static std::string name_for(const std::string& name) { return "beside-" + name; }  // as a delegate

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vbs
