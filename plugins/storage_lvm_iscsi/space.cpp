// SPDX-License-Identifier: MIT
#include "space.hpp"

#include <algorithm>
#include <cstdio>

namespace vbs::lvm {
namespace {
using plugin::Error;

std::string percent(double value) {
  char text[32];
  snprintf(text, sizeof text, "%.2f %%", value);
  return text;
}

uint64_t part(uint64_t bytes, double percent) {
  return static_cast<uint64_t>(static_cast<double>(bytes) / 100 * percent);
}
}  // namespace

void require_pool_room(const Config& config, const LvRow& pool) {
  const double limit = 100.0 - config.reserve_percent;
  const auto check = [&](double used, const char* what, const char* remedy) {
    if (used > limit)
      throw Error(VBS_NO_SPACE, "thin pool " + config.group + "/" + config.pool + ": its " + what + " is " +
                                    percent(used) + " full, and reserve_percent " +
                                    std::to_string(config.reserve_percent) + " allows new work up to " +
                                    percent(limit) + ": " + remedy + ", or delete volumes and snapshots");
  };
  check(pool.data_percent, "data", "grow it with lvextend");
  check(pool.metadata_percent, "metadata", "grow it with lvextend --poolmetadatasize");
}

void require_promise(const Config& config, const LvRow& pool, uint64_t promised_bytes, uint64_t more_bytes) {
  const double limit = static_cast<double>(pool.size_bytes) * config.over_commit_ratio;
  if (static_cast<double>(promised_bytes) + static_cast<double>(more_bytes) <= limit) return;
  throw Error(VBS_NO_SPACE,
              "thin pool " + config.group + "/" + config.pool + ": " + std::to_string(promised_bytes) +
                  " bytes are promised, " + std::to_string(more_bytes) + " more would pass the limit of " +
                  std::to_string(static_cast<uint64_t>(limit)) +
                  " (its size times over_commit_ratio): grow it with lvextend, or delete volumes and snapshots");
}

void require_thick_room(const Config& config, const GroupRow& group, uint64_t more_bytes) {
  const uint64_t reserve = part(group.size_bytes, config.reserve_percent);
  if (more_bytes <= group.free_bytes && group.free_bytes - more_bytes >= reserve) return;
  throw Error(VBS_NO_SPACE, "volume group " + config.group + " has " + std::to_string(group.free_bytes) +
                                " bytes free, of which reserve_percent keeps " + std::to_string(reserve) + "; " +
                                std::to_string(more_bytes) +
                                " are needed: add a disk with vgextend, or delete volumes and snapshots");
}

plugin::Capacity capacity_of(const Config& config, const View& view) {
  if (!config.thin()) {
    const uint64_t reserve = part(view.group.size_bytes, config.reserve_percent);
    return {view.group.size_bytes, view.group.free_bytes - std::min(view.group.free_bytes, reserve), 1};
  }
  const double usable = std::max(0.0, 100.0 - config.reserve_percent - view.pool->data_percent);
  return {view.pool->size_bytes, part(view.pool->size_bytes, usable), config.over_commit_ratio};
}

}  // namespace vbs::lvm
