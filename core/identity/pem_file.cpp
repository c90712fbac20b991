#include "core/identity/pem_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "core/base/error.hpp"
#include "core/base/ids.hpp"

namespace vbs {
namespace {
namespace fs = std::filesystem;

[[noreturn]] void fail(const char* doing, const fs::path& file) {
  const int e = errno;
  throw Error(e == ENOENT ? Code::not_found : Code::unavailable,
              fmt::format("cannot {} {}: {}", doing, file.string(), std::strerror(e)));
}

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

// The temporary file, gone again unless it became the real one.
struct TemporaryFile {
  fs::path path;
  ~TemporaryFile() {
    if (!path.empty()) ::unlink(path.c_str());
  }
};
}  // namespace

void write_file_atomically(const fs::path& file, std::string_view content, mode_t mode, IfExists if_exists) {
  const fs::path directory = file.has_parent_path() ? file.parent_path() : fs::path(".");
  TemporaryFile temporary{directory / fmt::format(".{}.{}", file.filename().string(), new_uuid())};
  {
    const Descriptor out{::open(temporary.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)};
    if (out.fd < 0) {
      temporary.path.clear();
      fail("create a file in", directory);
    }
    for (std::string_view left = content; !left.empty();) {
      const ssize_t n = ::write(out.fd, left.data(), left.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail("write", file);
      left.remove_prefix(static_cast<size_t>(n));
    }
    if (::fchmod(out.fd, mode) != 0 || ::fsync(out.fd) != 0) fail("write", file);
  }
  if (if_exists == IfExists::replace) {
    if (::rename(temporary.path.c_str(), file.c_str()) != 0) fail("replace", file);
    temporary.path.clear();
  } else if (::link(temporary.path.c_str(), file.c_str()) != 0) {
    if (errno == EEXIST)
      throw Error(Code::conflict, fmt::format("{} exists already and is not overwritten", file.string()));
    fail("write", file);
  }
  const Descriptor dir{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (dir.fd < 0 || ::fsync(dir.fd) != 0) fail("sync", directory);
}

std::string read_small_file(const fs::path& file) {
  constexpr size_t kLimit = 1 << 20;
  const Descriptor in{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (in.fd < 0) fail("read", file);
  std::string content;
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t n = ::read(in.fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("read", file);
    if (n == 0) return content;
    content.append(buffer.data(), static_cast<size_t>(n));
    if (content.size() > kLimit)
      throw Error(Code::too_large, fmt::format("{} is over {} bytes", file.string(), kLimit));
  }
}
}  // namespace vbs
