// Versions of delegate.proto that this build speaks. A change that an older side would misunderstand raises both; a new
// call or field raises the newest, and is used only with a side that has it.
#pragma once
#include <cstdint>

namespace vbs {
constexpr uint32_t kOldestProtocol = 1, kNewestProtocol = 1;
constexpr int kMaxMessageBytes = 256 << 20;  // a listing of about a million objects
}  // namespace vbs
