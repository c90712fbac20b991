// SPDX-License-Identifier: MIT
#include "configfs.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "vbs/plugin/plugin.hpp"

namespace vbs::lvm {
namespace {
[[noreturn]] void fail(const char* what, const std::string& path) {
  const int error = errno;
  const vbs_status status = error == EBUSY ? VBS_BUSY : error == EACCES || error == EPERM ? VBS_DENIED : VBS_INTERNAL;
  throw plugin::Error(status, std::string(what) + " " + path + ": " + std::strerror(error));
}

std::vector<std::string> entries(const std::string& path, mode_t type) {
  std::vector<std::string> out;
  DIR* dir = opendir(path.c_str());
  if (!dir) {
    if (errno == ENOENT) return out;
    fail("cannot list", path);
  }
  while (const auto* entry = readdir(dir)) {
    const std::string name = entry->d_name;
    struct stat status {};
    if (name != "." && name != ".." && lstat((path + "/" + name).c_str(), &status) == 0 &&
        (status.st_mode & S_IFMT) == type)
      out.push_back(name);
  }
  closedir(dir);
  std::sort(out.begin(), out.end());
  return out;
}
}  // namespace

bool ConfigFs::exists(const std::string& path) const {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0;
}

void ConfigFs::make_dir(const std::string& path) {
  if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) fail("cannot make", path);
}

void ConfigFs::remove_dir(const std::string& path) {
  if (rmdir(path.c_str()) != 0 && errno != ENOENT) fail("cannot remove", path);
}

void ConfigFs::write(const std::string& path, std::string_view value) {
  const int fd = open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
  if (fd < 0) fail("cannot open", path);
  const auto n = ::write(fd, value.data(), value.size());
  const int error = errno;
  close(fd);
  errno = error;
  if (n != static_cast<ssize_t>(value.size())) fail("the kernel does not take what was written to", path);
}

std::string ConfigFs::read(const std::string& path) const {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return {};
    fail("cannot open", path);
  }
  std::string out(4096, '\0');  // an attribute is at most a page
  const auto n = ::read(fd, out.data(), out.size());
  close(fd);
  if (n < 0) fail("cannot read", path);
  out.resize(static_cast<size_t>(n));
  while (!out.empty() && (out.back() == '\n' || out.back() == '\0')) out.pop_back();
  return out;
}

void ConfigFs::set(const std::string& path, std::string_view value) {
  if (read(path) != value) write(path, value);
}

void ConfigFs::link(const std::string& to, const std::string& link) {
  if (symlink(to.c_str(), link.c_str()) != 0 && errno != EEXIST) fail("cannot link", link);
}

void ConfigFs::unlink(const std::string& link) {
  if (::unlink(link.c_str()) != 0 && errno != ENOENT) fail("cannot unlink", link);
}

std::vector<std::string> ConfigFs::directories(const std::string& path) const { return entries(path, S_IFDIR); }
std::vector<std::string> ConfigFs::links(const std::string& path) const { return entries(path, S_IFLNK); }

}  // namespace vbs::lvm
