// A snapshot makes the chain of layers under its volume longer where the back-end has no reflinks. This looks, now and
// then, for volumes that rest on more than `flatten_above` layers, the longest first, and has one at a time flattened by
// the ordinary operation. That gives way to whoever waits for the volume, and is not tried again for ten minutes where
// the last one failed.
#pragma once
#include "core/service/core.hpp"

namespace vbs {

void flatten_long_chains(Core&);  // Waits for a commit: not from the timer's thread

}  // namespace vbs
