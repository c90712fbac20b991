// SPDX-License-Identifier: MIT
#include "space.hpp"

#include <algorithm>

#include "lustre_tools.hpp"

namespace vbs::lustre {
namespace {
using plugin::Error;
// Lustre's own figures are up to 3 s old, so asking more often would only cost processes.
constexpr auto kFresh = std::chrono::seconds(2);

std::string mib(uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }
}  // namespace

Figures Space::figures(plugin::Call& call, const File& images, const Striping& striping) {
  if (!on_lustre_) {
    const auto fs = files_.file_system(images);
    return {fs.total_bytes, fs.free_bytes, 0};
  }
  const std::string key = striping.pool + "/" + std::to_string(striping.count);
  const auto now = std::chrono::steady_clock::now();
  {
    const std::lock_guard guard(mutex_);
    if (const auto it = known_.find(key); it != known_.end() && now - it->second.at < kFresh) return it->second.figures;
  }
  const auto fresh = ask_lustre(call, striping);
  const std::lock_guard guard(mutex_);
  known_[key] = {now, fresh};
  return fresh;
}

Figures Space::ask_lustre(plugin::Call& call, const Striping& striping) {
  const auto r = striping.pool.empty()
                     ? host_.run(call, "lfs_df", {{"path", config_.root}})
                     : host_.run(call, "lfs_df_pool", {{"path", config_.root}, {"pool", striping.pool}});
  const auto osts = parse_df(r.out);
  if (osts.empty())
    throw Error(VBS_UNAVAILABLE, striping.pool.empty()
                                     ? "lfs df -l shows no OST for " + config_.root + ": look at `lfs check osts`"
                                     : "pool " + striping.pool +
                                           " has no OST that answers: look at `lfs pool_list` and "
                                           "`lfs check osts`");
  Figures f;
  f.osts = static_cast<int>(osts.size());
  uint64_t smallest = UINT64_MAX;
  for (const auto& ost : osts) {
    f.total_bytes += ost.total_bytes;
    smallest = std::min(smallest, ost.available_bytes);
  }
  const int stripes = striping.count < 0 ? f.osts : std::min(striping.count, f.osts);
  f.free_bytes = smallest * static_cast<uint64_t>(stripes);
  return f;
}

uint64_t Space::promise(plugin::Call& call, const File& images, const Striping& striping, const std::string& id,
                        uint64_t size_bytes, uint64_t write_bytes) {
  const auto f = figures(call, images, striping);
  if (write_bytes > usable(f))
    throw Error(VBS_NO_SPACE, id + " needs " + mib(write_bytes) + " at once, and " + mib(f.free_bytes) +
                                  " are free, of which reserve_bytes keeps " + mib(config_.reserve_bytes) +
                                  ": free space or lower reserve_bytes");
  const double limit = static_cast<double>(f.total_bytes) * config_.over_commit_ratio;
  const auto before = index_.promise(id, size_bytes, limit >= 0x1p63 ? UINT64_MAX : static_cast<uint64_t>(limit));
  if (!before)
    throw Error(VBS_NO_SPACE, id + " may grow to " + mib(size_bytes) + "; " + mib(index_.promised()) +
                                  " are promised already, and the limit is " +
                                  mib(limit >= 0x1p63 ? UINT64_MAX : static_cast<uint64_t>(limit)) + " (" +
                                  mib(f.total_bytes) +
                                  " x over_commit_ratio): delete volumes, add space or raise "
                                  "over_commit_ratio");
  return *before;
}

}  // namespace vbs::lustre
