// SPDX-License-Identifier: MIT
//
// What the tests of the storage table ask of the plugin under test: each directory of storage tests defines these for
// its own. A "disk" is a kind of place where a back-end can lie; tests run on each.
#pragma once
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace vbs::test {

struct Disk {
  std::string name;    // for the test's name
  std::string method;  // how snapshots are made: "reflink" (data is shared, in use or not), "overlay", "copy"
  bool on_xfs = false;
};
inline void PrintTo(const Disk& disk, std::ostream* out) { *out << disk.name; }  // the name that GoogleTest looks for
const std::vector<Disk>& disks();

const char* plugin_name();

// A new empty place; the returned text goes into config_json() and stored(). Throws std::runtime_error saying what is
// missing.
std::string new_directory(const Disk& disk);
void remove_tree(const std::string& path);

// Configuration of a back-end there. `more`: further members, with a comma in front; what a plugin does not know it
// ignores.
std::string config_json(const std::string& root, const std::string& method, const std::string& more = "");

// Names of all that is stored there, sorted.
std::vector<std::string> stored(const std::string& root);

// A size that fits there once at over_commit_ratio 1, and not twice.
uint64_t most_of(const Disk& disk, uint64_t total_bytes, uint64_t free_bytes);

}  // namespace vbs::test
