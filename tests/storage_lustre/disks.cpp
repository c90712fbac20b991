// SPDX-License-Identifier: MIT
//
// Where back-ends under test lie: a scratch directory, and an XFS with reflinks on a loop device, mounted in a mount
// namespace of this process, so that it is gone when the process is.
#include "tests/storage_table/place.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "tests/support/fake_host.hpp"

namespace vbs::test {
namespace {
constexpr off_t kXfsBytes = 512L << 20;  // mkfs.xfs refuses less than 300 MiB

std::string scratch() {
  // Not /tmp, which may be a tmpfs: the build tree lies on a real disk.
  const char* base = std::getenv("VBS_BUILD_DIR");
  std::string path = std::string(base ? base : "/tmp") + "/storage-test-XXXXXX";
  if (!mkdtemp(path.data())) throw std::runtime_error("mkdtemp " + path + ": " + std::strerror(errno));
  return path;
}

struct Xfs {
  std::string directory, problem;

  Xfs() {
    if (geteuid() != 0) {
      problem = "mounting an XFS needs root";
      return;
    }
    directory = scratch();
    const auto image = directory + ".img";
    const int fd = open(image.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, kXfsBytes) != 0) problem = "cannot make " + image;
    if (fd >= 0) close(fd);
    if (problem.empty()) {
      const auto made = run({"mkfs.xfs", "-q", "-m", "reflink=1", image});
      if (made.exit_status == 127)
        problem = "mkfs.xfs is absent: install the Debian package xfsprogs";
      else if (made.exit_status != 0)
        problem = "mkfs.xfs: " + made.err;
    }
    // Private to this process: neither the machine sees the mount, nor can it be left behind.
    if (problem.empty() &&
        (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0))
      problem = std::string("cannot make a mount namespace: ") + std::strerror(errno);
    if (problem.empty()) {
      const auto mounted = run({"mount", "-o", "loop", image, directory});
      if (mounted.exit_status != 0) problem = "mount: " + mounted.err;
    }
    unlink(image.c_str());  // the loop device keeps it
    if (!problem.empty()) rmdir(directory.c_str());
  }
  ~Xfs() {
    if (!problem.empty()) return;
    umount2(directory.c_str(), MNT_DETACH);
    rmdir(directory.c_str());
  }
};
}  // namespace

const std::vector<Disk>& disks() {
  static const std::vector<Disk> all{
      {"overlay", "overlay", false}, {"copy", "copy", false}, {"reflink", "reflink", true}};
  return all;
}

std::string new_directory(const Disk& disk) {
  if (!disk.on_xfs) return scratch();
  static Xfs xfs;
  if (!xfs.problem.empty()) throw std::runtime_error(xfs.problem);
  std::string path = xfs.directory + "/root-XXXXXX";
  if (!mkdtemp(path.data())) throw std::runtime_error("mkdtemp " + path);
  return path;
}

const char* plugin_name() { return "storage_lustre"; }

std::string config_json(const std::string& root, const std::string& method, const std::string& more) {
  return "{\"root\":\"" + root + "\",\"snapshot_method\":\"" + method + "\"" + more + "}";
}

std::vector<std::string> stored(const std::string& root) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(root + "/images"))
    out.push_back(entry.path().filename());
  std::sort(out.begin(), out.end());
  return out;
}

uint64_t most_of(const Disk&, uint64_t total_bytes, uint64_t) { return total_bytes / 512 * 512; }

void remove_tree(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

}  // namespace vbs::test
