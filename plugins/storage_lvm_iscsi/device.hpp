// SPDX-License-Identifier: MIT
//
// Bytes of thick volumes: zeroing and copying block devices, with progress and cancellation. Durable when they return.
// Errors: throws Error; a cancelled or overdue call stops within 64 MiB.
#pragma once
#include <cstdint>
#include <string>

#include "vbs/plugin/plugin.hpp"

namespace vbs::lvm {

// [from, to) reads as zeros afterwards. The kernel uses what the disks offer (BLKZEROOUT; discard alone would not do,
// since it promises nothing about what is read later).
void write_zeros(plugin::Call&, const std::string& device, uint64_t from_bytes, uint64_t to_bytes);

// The first `bytes` of `from`. `total_bytes`: what progress is told against, when zeros follow.
void copy(plugin::Call&, const std::string& from, const std::string& to, uint64_t bytes, uint64_t total_bytes);

}  // namespace vbs::lvm
