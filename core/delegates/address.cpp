#include "core/delegates/address.hpp"

#include <fmt/format.h>
#include <sys/un.h>

#include <charconv>

#include "core/base/error.hpp"
#include "core/base/log.hpp"

namespace vbs {
namespace {
constexpr size_t kMaxPath = sizeof(sockaddr_un::sun_path) - 1;

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), port);
  return r.ec == std::errc() && r.ptr == text.data() + text.size() && port <= 65535;
}
}  // namespace

DelegateAddress parse_delegate_address(const std::string& text) {
  if (text.rfind("unix:", 0) == 0) {
    const auto path = text.substr(5);
    if (path.empty() || path[0] != '/' || path.size() > kMaxPath)
      throw Error(Code::invalid, fmt::format("'{}': after 'unix:' comes an absolute path of at most {} bytes",
                                             for_log(text), kMaxPath));
    return {path, text};
  }
  const auto colon = text.rfind(':');
  const bool bracketed = colon != std::string::npos && colon > 2 && text[0] == '[' && text[colon - 1] == ']';
  if (colon == std::string::npos || colon == 0 || !is_port(std::string_view(text).substr(colon + 1)) ||
      (!bracketed && text.find(':') != colon) || text.find_first_of(" /,") != std::string::npos)
    throw Error(Code::invalid, fmt::format("'{}': write HOST:PORT, [IPV6]:PORT or unix:/absolute/path", for_log(text)));
  return {"", "dns:///" + text};
}

}  // namespace vbs
