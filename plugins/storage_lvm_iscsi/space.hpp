// SPDX-License-Identifier: MIT
//
// Room for new work. A thin pool that runs full stops all its volumes at once, so work is refused early: while the
// pool's data or metadata is fuller than 100 - reserve_percent, or when the sizes of all volumes and snapshots together
// would pass pool size x over_commit_ratio. In a thick group a volume must fit beside the reserve. Pure functions;
// throw Error(VBS_NO_SPACE) that names pool, use and limit.
#pragma once
#include <cstdint>

#include "config.hpp"
#include "group.hpp"

namespace vbs::lvm {

void require_pool_room(const Config&, const LvRow& pool);
void require_promise(const Config&, const LvRow& pool, uint64_t promised_bytes, uint64_t more_bytes);
void require_thick_room(const Config&, const GroupRow&, uint64_t more_bytes);

plugin::Capacity capacity_of(const Config&, const View&);

}  // namespace vbs::lvm
