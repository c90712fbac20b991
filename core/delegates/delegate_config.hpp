// What vbsd's configuration says of delegates.
#pragma once
#include <string>

namespace vbs {

// PEM files of one side; the certificate carries its role.
struct DelegateTls {
  std::string certificate, key, ca;
};

struct DelegateConfig {
  std::string name, address;  // address.hpp
};

}  // namespace vbs
