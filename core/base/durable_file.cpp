#include "core/base/durable_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/error.hpp"
#include "core/base/ids.hpp"
#include "core/base/unique_fd.hpp"

namespace vbs {
namespace {
namespace fs = std::filesystem;
DurableFileWatch watch;

void about_to(const char* call, const std::string& path, const std::string& to = "") {
  if (watch) watch(call, path, to);
}

[[noreturn]] void fail(const char* doing, const std::string& path) {
  throw Error(Code::unavailable, fmt::format("cannot {} {}: {}", doing, path, std::strerror(errno)));
}

fs::path directory_of(const fs::path& name) { return name.has_parent_path() ? name.parent_path() : fs::path("."); }

void sync(const std::string& path, int flags) {
  about_to("sync", path);
  const UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) fail("sync", path);
}
}  // namespace

UnpublishedFile::UnpublishedFile(const fs::path& name, mode_t mode)
    : name_(name), path_(directory_of(name) / fmt::format(".{}.{}", name.filename().string(), new_uuid())) {
  const UniqueFd made(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!made) fail("create a file in", directory_of(name).string());
  if (::fchmod(made.get(), mode) != 0) {  // whatever the umask
    const int e = errno;
    ::unlink(path_.c_str());
    errno = e;
    fail("set the mode of", path_);
  }
}

UnpublishedFile::~UnpublishedFile() {
  if (path_.empty()) return;
  try {
    about_to("remove", path_);
    for (const auto* beside : {"", "-journal", "-wal", "-shm"})  // the latter where SQLite fills it
      ::unlink((path_ + beside).c_str());
  } catch (...) {
    // the power is gone
  }
}

void UnpublishedFile::write(std::string_view content) {
  const UniqueFd out(::open(path_.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!out) fail("write", path_);
  while (!content.empty()) {
    const ssize_t n = ::write(out.get(), content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("write", path_);
    content.remove_prefix(static_cast<size_t>(n));
  }
}

void UnpublishedFile::publish(IfExists if_exists) {
  sync(path_, O_RDONLY);
  if (if_exists == IfExists::replace) {
    about_to("rename", path_, name_);
    if (::rename(path_.c_str(), name_.c_str()) != 0) fail("replace", name_);
    path_.clear();
  } else {
    about_to("link", path_, name_);
    if (::link(path_.c_str(), name_.c_str()) != 0) {
      if (errno != EEXIST) fail("write", name_);
      throw Error(Code::conflict, name_.string() + " exists already and is not overwritten");
    }
  }
  sync(directory_of(name_), O_RDONLY | O_DIRECTORY);
}

void write_file_atomically(const fs::path& file, std::string_view content, mode_t mode, IfExists if_exists) {
  UnpublishedFile out(file, mode);
  out.write(content);
  out.publish(if_exists);
}

void watch_durable_files(DurableFileWatch w) { watch = std::move(w); }
}  // namespace vbs
