// Paths and queries: percent-decoding that refuses what is not valid instead of guessing.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/http/message.hpp"

namespace vbs::http {

// Throws Error(invalid) for a '%' without two hex digits, a decoded control character, or text that is not UTF-8.
std::string percent_decode(std::string_view text, bool plus_is_space = false);

// "/v1/volumes/a%2Fb" -> {"v1", "volumes", "a/b"}; a trailing slash gives a last empty segment. Segments "." and ".."
// are refused, encoded or not: no route has them, and a proxy before us would read the path otherwise.
std::vector<std::string> split_path(std::string_view path);

Fields split_query(std::string_view query);  // "a=1&b=x+y"; a name alone has an empty value

}  // namespace vbs::http
