// SPDX-License-Identifier: MIT
//
// Where the back-ends under test lie: a scratch directory, and an XFS with reflinks on a loop device, mounted in a
// mount namespace of this process, so that it is gone when the process is.
#pragma once
#include <ostream>
#include <string>
#include <vector>

namespace vbs::test {

struct Disk {
  std::string name;    // for the test's name
  std::string method;  // snapshot_method
  bool on_xfs = false;
};
inline void PrintTo(const Disk& disk, std::ostream* out) { *out << disk.name; }  // the name that GoogleTest looks for
const std::vector<Disk>& disks();

// A new empty directory. Throws std::runtime_error saying what is missing.
std::string new_directory(const Disk& disk);
void remove_tree(const std::string& path);

}  // namespace vbs::test
