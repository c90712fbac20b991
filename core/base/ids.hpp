// Identifiers. UUIDv4 everywhere: Cinder needs UUIDs, and a virtio-blk serial shows only 20 characters, so ids must
// differ early (never time-ordered ones).
#pragma once
#include <string>
#include <string_view>

namespace vbs {
std::string new_uuid();  // lower case, 36 characters; random from the kernel
// CHAP secret: 16 letters and digits (RFC 7143 asks for 96 bits at least, and some initiators take 16 characters at
// most; these are 95.3), random from the kernel.
std::string new_secret();
bool is_uuid(std::string_view text);  // exactly that form (lower case)
}  // namespace vbs
