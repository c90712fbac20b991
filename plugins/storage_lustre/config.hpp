// SPDX-License-Identifier: MIT
//
// The back-end's configuration, read from the JSON object that open() is given. The host has checked keys and types
// against the manifest; what belongs to the plugin alone (names of users, multiples, combinations) is checked here.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "fs.hpp"

namespace vbs::lustre {

enum class Method { automatic, reflink, overlay, copy };
const char* to_string(Method m);

// Stripes of new files on Lustre; ignored elsewhere.
struct Striping {
  int count = 4;  // -1: every OST; never more than there are
  uint64_t size_bytes = 4u << 20;
  std::string pool;  // without the file system's name
};

struct Config {
  std::string root;         // absolute
  std::string mount_point;  // must be mounted before the root is touched; empty: not checked
  Striping striping;
  Method method = Method::automatic;
  double over_commit_ratio = 10;
  uint64_t reserve_bytes = 64u << 20;
  Ownership owner;
  bool shared_nodes = false;  // several nodes mount the root, though it is not on Lustre
};

// Throws Error(VBS_INVALID) naming key, value and limit.
Config read_config(std::string_view json);

// `base`, changed by the stripe_count, stripe_size and pool of a volume's options (JSON object or empty).
Striping read_striping(std::string_view options, const Striping& base);

}  // namespace vbs::lustre
