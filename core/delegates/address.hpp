// Where a delegate listens: "HOST:PORT", "[IPV6]:PORT" or "unix:/absolute/path".
#pragma once
#include <string>

namespace vbs {

struct DelegateAddress {
  std::string path;    // of a UNIX socket, or empty
  std::string target;  // as gRPC takes it
};
DelegateAddress parse_delegate_address(const std::string& text);  // Error(invalid) says how to write it

}  // namespace vbs
