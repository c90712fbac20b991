// UTF-8 as in RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once
#include <string>
#include <string_view>

namespace vbs {
bool is_utf8(std::string_view text);
std::string to_utf8(std::string_view text);  // bytes that are not UTF-8 become '?'
}  // namespace vbs
