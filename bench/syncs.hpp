// Counts the syncs of the service while something is done.
#pragma once
#include <functional>
#include <map>
#include <string>

#include "bench/settings.hpp"

namespace vbs::bench {

// What was synced (commit, checkpoint, sidecar, directory, file) -> how often.
using SyncCount = std::map<std::string, unsigned>;
// Throws std::runtime_error without strace, and what `work` threw.
SyncCount count_syncs(const Settings&, const std::function<void()>& work);

}  // namespace vbs::bench
