// SPDX-License-Identifier: MIT
//
// Base64 (RFC 4648, section 4): facts are JSON, and LVM takes neither quotes nor blanks in a tag.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace vbs::lvm {

std::string base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);  // nullopt: not what base64() writes

}  // namespace vbs::lvm
