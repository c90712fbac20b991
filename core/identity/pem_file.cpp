#include "core/identity/pem_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "core/base/error.hpp"
#include "core/base/unique_fd.hpp"

namespace vbs {
namespace {
namespace fs = std::filesystem;

[[noreturn]] void fail(const char* doing, const fs::path& file) {
  const int e = errno;
  throw Error(e == ENOENT ? Code::not_found : Code::unavailable,
              fmt::format("cannot {} {}: {}", doing, file.string(), std::strerror(e)));
}
}  // namespace

std::string read_small_file(const fs::path& file) {
  constexpr size_t kLimit = 1 << 20;
  const UniqueFd in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in) fail("read", file);
  std::string content;
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t n = ::read(in.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("read", file);
    if (n == 0) return content;
    content.append(buffer.data(), static_cast<size_t>(n));
    if (content.size() > kLimit)
      throw Error(Code::too_large, fmt::format("{} is over {} bytes", file.string(), kLimit));
  }
}
}  // namespace vbs
