// SPDX-License-Identifier: MIT
#include "fs.hpp"

namespace vbs::lustre {
std::unique_ptr<Files> make_files() { return posix_files(); }
}  // namespace vbs::lustre
