// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "fs.hpp"

namespace vbs::lustre {
namespace {

// What the host should do with an error of the file system.
vbs_status status_of(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return VBS_NO_SPACE;
    case EACCES:
    case EPERM:
    case EROFS:
      return VBS_DENIED;
    case EFBIG:
    case ENAMETOOLONG:
      return VBS_INVALID;
    case EEXIST:
      return VBS_CONFLICT;
    case EBUSY:
    case ETXTBSY:
      return VBS_BUSY;
    case EIO:  // an evicted Lustre client answers this, then ESHUTDOWN, until it is back
    case ESHUTDOWN:
    case ESTALE:
    case ENOTCONN:
    case ETIMEDOUT:
    case EHOSTDOWN:
    case ENODEV:
      return VBS_UNAVAILABLE;
    default:
      return VBS_INTERNAL;
  }
}

std::string advice(int error) {
  switch (status_of(error)) {
    case VBS_NO_SPACE:
      return "; free space or raise the quota";
    case VBS_DENIED:
      return "; check owner, mode and mount options of the back-end's root";
    case VBS_UNAVAILABLE:
      return "; check that the file system is mounted and its servers are up";
    default:
      return "";
  }
}

// Repeats a call that a signal interrupted.
template <class F>
auto again(F&& f) {
  decltype(f()) r;
  do r = f();
  while (r == -1 && errno == EINTR);
  return r;
}

class PosixFiles final : public Files {
 public:
  File open_dir(const std::string& path) override { return open_at(AT_FDCWD, path, path, O_RDONLY | O_DIRECTORY); }
  File open_dir(const File& dir, const std::string& name) override {
    return open_at(dir.fd(), name, dir.path_of(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  }
  void make_dir(const File& dir, const std::string& name, mode_t mode) override {
    if (mkdirat(dir.fd(), name.c_str(), mode) != 0 && errno != EEXIST) fail("mkdir", dir.path_of(name));
  }
  std::vector<std::string> names(const File& dir) override {
    const int fd = openat(dir.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);  // fdopendir takes over what it is given
    DIR* d = fd < 0 ? nullptr : fdopendir(fd);
    if (!d) {
      const int error = errno;
      if (fd >= 0) ::close(fd);
      throw FileError("read directory", dir.path(), error);
    }
    std::vector<std::string> out;
    errno = 0;
    while (const dirent* e = readdir(d)) {
      const std::string_view name = e->d_name;
      if (name != "." && name != "..") out.emplace_back(name);
      errno = 0;
    }
    const int error = errno;
    closedir(d);
    if (error != 0) throw FileError("read directory", dir.path(), error);
    return out;
  }
  std::optional<FileStatus> status(const File& dir, const std::string& name) override {
    struct stat s {};
    if (fstatat(dir.fd(), name.c_str(), &s, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) return std::nullopt;
      fail("stat", dir.path_of(name));
    }
    return FileStatus{static_cast<uint64_t>(s.st_size), static_cast<uint64_t>(s.st_blocks) * 512, s.st_dev, s.st_ino,
                      S_ISREG(s.st_mode)};
  }
  FileSystem file_system(const File& file) override {
    struct statfs s {};
    if (again([&] { return fstatfs(file.fd(), &s); }) != 0) fail("statfs", file.path());
    const auto unit = static_cast<uint64_t>(s.f_frsize != 0 ? s.f_frsize : s.f_bsize);
    return {static_cast<uint64_t>(s.f_type) & 0xffffffffu, s.f_blocks * unit, s.f_bavail * unit};
  }

  File create(const File& dir, const std::string& name, mode_t mode) override {
    return open_at(dir.fd(), name, dir.path_of(name), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  }
  std::optional<File> open_read(const File& dir, const std::string& name) override {
    try {
      return open_at(dir.fd(), name, dir.path_of(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch (const FileError& e) {
      if (e.error() == ENOENT) return std::nullopt;
      throw;
    }
  }
  File open_write(const File& dir, const std::string& name) override {
    return open_at(dir.fd(), name, dir.path_of(name), O_RDWR | O_NOFOLLOW | O_NONBLOCK);
  }
  bool remove(const File& dir, const std::string& name) override {
    if (unlinkat(dir.fd(), name.c_str(), 0) == 0) return true;
    if (errno == ENOENT) return false;
    fail("unlink", dir.path_of(name));
  }

  void write(const File& file, uint64_t offset, std::string_view data) override {
    while (!data.empty()) {
      const auto n = again([&] { return pwrite(file.fd(), data.data(), data.size(), static_cast<off_t>(offset)); });
      if (n < 0) fail("write", file.path());
      data.remove_prefix(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
  }
  std::string read(const File& file, uint64_t offset, size_t limit) override {
    std::string out(limit, '\0');
    size_t have = 0;
    while (have < limit) {
      const auto n =
          again([&] { return pread(file.fd(), out.data() + have, limit - have, static_cast<off_t>(offset + have)); });
      if (n < 0) fail("read", file.path());
      if (n == 0) break;
      have += static_cast<size_t>(n);
    }
    out.resize(have);
    return out;
  }
  void truncate(const File& file, uint64_t size) override {
    if (again([&] { return ftruncate(file.fd(), static_cast<off_t>(size)); }) != 0)
      fail("set the size to " + std::to_string(size) + " bytes", file.path());
  }
  void own(const File& file, const Ownership& owner) override {
    if (fchmod(file.fd(), owner.mode) != 0) fail("chmod", file.path());
    if (owner.uid == static_cast<uid_t>(-1) && owner.gid == static_cast<gid_t>(-1)) return;
    if (fchown(file.fd(), owner.uid, owner.gid) != 0) fail("chown", file.path());
  }
  void sync(const File& file) override {
    if (again([&] { return fsync(file.fd()); }) != 0) fail("fsync", file.path());
  }
  bool clone(const File& to, const File& from) override {
    if (again([&] { return ioctl(to.fd(), FICLONE, from.fd()); }) == 0) return true;
    if (errno == EOPNOTSUPP || errno == ENOTTY || errno == EXDEV || errno == EINVAL || errno == ENOSYS) return false;
    fail("clone " + from.path() + " to", to.path());
  }
  bool lock(const File& file) override {
    if (again([&] { return flock(file.fd(), LOCK_EX | LOCK_NB); }) == 0) return true;
    if (errno == EWOULDBLOCK) return false;
    fail("lock", file.path());
  }
  bool has_writer(const File& file) override {
    // QEMU's writers hold a shared lock on this byte (docs/system/images.rst and block/file-posix.c there: 100 + the
    // number of the permission's bit). Asking takes no lock of our own, which would keep a QEMU from starting.
    constexpr off_t kWritePermissionByte = 101;
    struct flock query {};
    query.l_type = F_WRLCK;
    query.l_whence = SEEK_SET;
    query.l_start = kWritePermissionByte;
    query.l_len = 1;
    if (fcntl(file.fd(), F_OFD_GETLK, &query) != 0) return false;  // no locks on this file system: nothing to be told
    return query.l_type != F_UNLCK;
  }
  std::optional<uint64_t> seek_data(const File& file, uint64_t offset) override {
    const auto at = lseek(file.fd(), static_cast<off_t>(offset), SEEK_DATA);
    if (at >= 0) return static_cast<uint64_t>(at);
    if (errno == ENXIO) return std::nullopt;
    fail("look for data in", file.path());
  }
  uint64_t seek_hole(const File& file, uint64_t offset) override {
    const auto at = lseek(file.fd(), static_cast<off_t>(offset), SEEK_HOLE);
    if (at < 0) fail("look for a hole in", file.path());
    return static_cast<uint64_t>(at);
  }

 private:
  [[noreturn]] static void fail(const std::string& what, const std::string& path) {
    throw FileError(what, path, errno);
  }
  static File open_at(int dir, const std::string& name, const std::string& path, int flags, mode_t mode = 0) {
    const int fd = again([&] { return openat(dir, name.c_str(), flags | O_CLOEXEC, mode); });
    if (fd < 0) fail((flags & O_CREAT) != 0 ? "create" : "open", path);
    return {fd, path};
  }
};

}  // namespace

FileError::FileError(const std::string& what, const std::string& path, int error)
    : Error(status_of(error), "cannot " + what + " " + path + ": " + std::strerror(error) + advice(error)),
      error_(error) {}

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

std::unique_ptr<Files> posix_files() { return std::make_unique<PosixFiles>(); }

}  // namespace vbs::lustre
