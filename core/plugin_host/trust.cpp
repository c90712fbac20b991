#include "core/plugin_host/trust.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/base/error.hpp"

namespace vbs {
namespace {
[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw Error(Code::invalid, path + " " + why);
}

void check_owner_and_mode(const std::string& path, const struct stat& st, uid_t uid) {
  if (st.st_uid != 0 && st.st_uid != uid)
    refuse(path, fmt::format("belongs to user {}; it must belong to root or to the service's own user ({}): chown it",
                             st.st_uid, uid));
  if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    refuse(path, fmt::format("can be written by {} (mode {:04o}): chmod go-w it",
                             st.st_mode & S_IWOTH ? "others" : "its group", st.st_mode & 07777));
}
}  // namespace

void check_trusted_directory(const std::string& path, uid_t uid) {
  std::error_code error;
  const auto real = std::filesystem::canonical(path, error);
  struct stat st {};
  if (error || stat(real.c_str(), &st) != 0)
    refuse(path, "cannot be read: " + (error ? error.message() : std::strerror(errno)));
  if (!S_ISDIR(st.st_mode)) refuse(path, "is not a directory");
  check_owner_and_mode(real, st, uid);
  // Higher up only what anybody could rename away is refused. Owners are not asked: build trees of a user that the
  // service (root in a container) does not run as are common, and such an owner was trusted with the whole tree.
  for (auto up = real.parent_path(); up != up.root_path(); up = up.parent_path())
    if (stat(up.c_str(), &st) == 0 && (st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0)
      refuse(up.string(), fmt::format("can be written by others (mode {:04o}), who could exchange {}: chmod o-w it",
                                      st.st_mode & 07777, path));
}

void check_trusted_file(const std::string& path, uid_t uid) {
  struct stat st {};
  if (lstat(path.c_str(), &st) != 0) refuse(path, fmt::format("cannot be read: {}", std::strerror(errno)));
  if (S_ISLNK(st.st_mode)) refuse(path, "is a symbolic link: put the file itself there");
  if (!S_ISREG(st.st_mode)) refuse(path, "is not a regular file");
  check_owner_and_mode(path, st, uid);
}

}  // namespace vbs
