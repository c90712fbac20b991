// SPDX-License-Identifier: MIT
//
// What `lfs` prints and /proc/mounts says, as values. Pure functions, checked against output recorded on Lustre 2.17
// (older releases print less). Errors: nullopt or an empty result for text that does not have the expected shape.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vbs::lustre {

constexpr uint64_t kClientMagic = 0x0BD00BD0;  // statfs f_type of a client mount
constexpr uint64_t kServerMagic = 0x0BD00BD1;  // of an MDT's or OST's own mount, which also has the type "lustre"

struct Ost {
  int index = 0;
  uint64_t total_bytes = 0, available_bytes = 0;
};

// The OST lines of `lfs df -l` (never plain `lfs df`: that hangs while an OST is away). An OST that is away has no
// line.
std::vector<Ost> parse_df(std::string_view output);

struct Layout {
  int stripe_count = 0;
  uint64_t stripe_size_bytes = 0;
  std::string pool;
};

// `lfs getstripe -y FILE` of a plain file, or the first component of a composite one. A file without objects prints
// "... has no stripe info", which is not YAML: nullopt.
std::optional<Layout> parse_layout(std::string_view output);

// The pools in `lfs pool_list MOUNTPOINT` ("FS.POOL" lines), without the file system's name.
std::vector<std::string> parse_pools(std::string_view output);

enum class LockOption { not_lustre, cluster, local, none };  // flock, localflock, noflock

struct Mount {
  std::string point, type, options;
};
// The mount that `path` lies on, from the text of /proc/mounts. Later lines hide earlier ones.
std::optional<Mount> mount_of(std::string_view mounts, std::string_view path);
LockOption lock_option(const Mount& mount);

}  // namespace vbs::lustre
