// SPDX-License-Identifier: MIT
//
// Every call that the plugin makes into the file system goes through Files, so that a test can put one that fails in
// its place. Errors: throws FileError, whose message names the call, the path and the reason. Threading: Files is
// shared by all threads; a File belongs to one at a time.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vbs/plugin/plugin.hpp"

namespace vbs::lustre {

class FileError : public plugin::Error {
 public:
  FileError(const std::string& what, const std::string& path, int error);
  int error() const { return error_; }

 private:
  int error_;
};

// An open descriptor with the path that it was opened by; the path is for messages and for commands.
class File {
 public:
  File(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
  File& operator=(File&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(path_, other.path_);
    return *this;
  }
  ~File();
  int fd() const { return fd_; }
  const std::string& path() const { return path_; }
  std::string path_of(const std::string& name) const { return path_ + "/" + name; }

 private:
  int fd_;
  std::string path_;
};

struct FileStatus {
  uint64_t size_bytes = 0, allocated_bytes = 0;
  uint64_t device = 0, inode = 0;
  bool regular = false;
};

struct FileSystem {
  uint64_t magic = 0;  // statfs f_type
  uint64_t total_bytes = 0, free_bytes = 0;
};

struct Ownership {
  mode_t mode = 0600;
  uid_t uid = static_cast<uid_t>(-1);  // -1: left as it is
  gid_t gid = static_cast<gid_t>(-1);
};

class Files {
 public:
  virtual ~Files() = default;

  virtual File open_dir(const std::string& path) = 0;
  virtual File open_dir(const File& dir, const std::string& name) = 0;
  virtual void make_dir(const File& dir, const std::string& name, mode_t mode) = 0;  // one that exists is fine
  virtual std::vector<std::string> names(const File& dir) = 0;                       // without . and ..
  virtual std::optional<FileStatus> status(const File& dir, const std::string& name) = 0;
  virtual FileSystem file_system(const File& file) = 0;

  // Never follow a symbolic link.
  virtual File create(const File& dir, const std::string& name, mode_t mode) = 0;  // new, or FileError(EEXIST)
  virtual std::optional<File> open_read(const File& dir, const std::string& name) = 0;
  virtual File open_write(const File& dir, const std::string& name) = 0;
  virtual bool remove(const File& dir, const std::string& name) = 0;  // false: was not there

  virtual void write(const File& file, uint64_t offset, std::string_view data) = 0;
  virtual std::string read(const File& file, uint64_t offset, size_t limit) = 0;  // shorter only at the end
  virtual void truncate(const File& file, uint64_t size) = 0;
  virtual void own(const File& file, const Ownership& owner) = 0;
  virtual void sync(const File& file) = 0;                   // of a directory, too
  virtual bool clone(const File& to, const File& from) = 0;  // FICLONE; false: not on this file system
  virtual bool lock(const File& file) = 0;                   // flock, exclusive; false: someone has it
  // Whether a QEMU, of whatever node where locks reach that far, has the image open for writing. No fence: locks can be
  // lost.
  virtual bool has_writer(const File& file) = 0;
  virtual std::optional<uint64_t> seek_data(const File& file, uint64_t offset) = 0;  // nullopt: no more data
  virtual uint64_t seek_hole(const File& file, uint64_t offset) = 0;
};

std::unique_ptr<Files> posix_files();

// What an instance of the plugin is opened with: posix_files(). Alone in its object file, so that a test program that
// links the parts can bring its own.
std::unique_ptr<Files> make_files();

}  // namespace vbs::lustre
