// SPDX-License-Identifier: MIT
//
// The few fields of a qcow2 header that the plugin checks (QEMU docs/interop/qcow2.txt). Read only from files that this
// plugin made as qcow2 and that a guest cannot reach: never to find out what a file is.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "fs.hpp"

namespace vbs::lustre {

struct Qcow2Header {
  uint64_t size_bytes = 0;  // what a guest sees
  std::string backing;      // as written; empty: none
};

// nullopt: not a whole qcow2 header, as in a file that was not finished.
std::optional<Qcow2Header> read_qcow2_header(Files& files, const File& file);

}  // namespace vbs::lustre
