// SPDX-License-Identifier: MIT
#include "device.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace vbs::lvm {
namespace {
using plugin::Error;

constexpr uint64_t kZeroStep = 64u << 20;
constexpr uint64_t kCopyStep = 4u << 20;
constexpr size_t kAlignment = 4096;

[[noreturn]] void fail(const std::string& what, const std::string& device) {
  const int error = errno;
  const vbs_status status = error == ENOENT ? VBS_NOT_FOUND : error == EBUSY ? VBS_BUSY : VBS_INTERNAL;
  throw Error(status, what + " " + device + ": " + std::strerror(error));
}

class Device {
 public:
  // O_DIRECT: a copy must not push everything else out of the page cache. O_EXCL on a block device: nobody has mounted
  // it or holds it likewise (open(2)).
  Device(const std::string& path, int flags) : path_(path), fd_(open(path.c_str(), flags | O_DIRECT | O_CLOEXEC)) {
    if (fd_ < 0) fail("cannot open", path);
  }
  ~Device() { close(fd_); }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  void zero(uint64_t at, uint64_t length) const {
    uint64_t range[2] = {at, length};
    if (ioctl(fd_, BLKZEROOUT, range) != 0) fail("cannot write zeros to", path_);
  }
  void read(char* data, uint64_t at, uint64_t length) const {
    for (uint64_t done = 0; done < length;) {
      const auto n = pread(fd_, data + done, length - done, static_cast<off_t>(at + done));
      if (n == 0) errno = EIO;  // shorter than LVM said
      if (n <= 0) fail("cannot read", path_);
      done += static_cast<uint64_t>(n);
    }
  }
  void write(const char* data, uint64_t at, uint64_t length) const {
    for (uint64_t done = 0; done < length;) {
      const auto n = pwrite(fd_, data + done, length - done, static_cast<off_t>(at + done));
      if (n <= 0) fail("cannot write", path_);
      done += static_cast<uint64_t>(n);
    }
  }
  void sync() const {
    if (fsync(fd_) != 0) fail("cannot sync", path_);
  }

 private:
  const std::string path_;
  const int fd_;
};
}  // namespace

void write_zeros(plugin::Call& call, const std::string& path, uint64_t from, uint64_t to) {
  const Device device(path, O_RDWR | O_EXCL);
  for (uint64_t at = from; at < to; at += kZeroStep) {
    call.check();
    device.zero(at, std::min(kZeroStep, to - at));
    call.progress(std::min(at + kZeroStep, to), to);
  }
  device.sync();
}

void copy(plugin::Call& call, const std::string& from, const std::string& to, uint64_t bytes, uint64_t total_bytes) {
  const Device source(from, O_RDONLY);
  const Device target(to, O_RDWR | O_EXCL);
  const std::unique_ptr<char, decltype(&std::free)> buffer(
      static_cast<char*>(std::aligned_alloc(kAlignment, kCopyStep)), &std::free);
  if (!buffer) throw std::bad_alloc();
  for (uint64_t at = 0; at < bytes; at += kCopyStep) {
    call.check();
    const auto length = std::min(kCopyStep, bytes - at);
    source.read(buffer.get(), at, length);
    target.write(buffer.get(), at, length);
    call.progress(at + length, total_bytes);
  }
  target.sync();
}

}  // namespace vbs::lvm
