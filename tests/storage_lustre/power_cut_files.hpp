// SPDX-License-Identifier: MIT
//
// The plugin's file system calls, on a disk that loses its power: what make_files() answers in this program.
#pragma once
#include "fs.hpp"
#include "power_cut.hpp"

namespace vbs::test {

// The disk of the instances that are opened from now on; outlives them.
void use_disk(PowerCut& disk);

}  // namespace vbs::test
