// SPDX-License-Identifier: MIT
#include "power_cut_files.hpp"

#include <fcntl.h>

#include <cerrno>

#include "lustre_tools.hpp"

namespace vbs::test {
namespace {
using namespace lustre;
PowerCut* disk_in_use = nullptr;

class PowerCutFiles final : public Files {
 public:
  explicit PowerCutFiles(PowerCut& disk) : disk_(disk), real_(posix_files()) {}

  File open_dir(const std::string& path) override { return alive().open_dir(path); }
  File open_dir(const File& dir, const std::string& name) override { return alive().open_dir(dir, name); }
  std::vector<std::string> names(const File& dir) override { return alive().names(dir); }
  std::optional<FileStatus> status(const File& dir, const std::string& name) override {
    return alive().status(dir, name);
  }
  FileSystem file_system(const File& file) override {
    auto f = alive().file_system(file);
    if (disk_.rule() == PowerCut::Rule::lustre) f.magic = kClientMagic;
    return f;
  }
  std::optional<File> open_read(const File& dir, const std::string& name) override {
    return alive().open_read(dir, name);
  }
  File open_write(const File& dir, const std::string& name) override { return alive().open_write(dir, name); }
  std::string read(const File& file, uint64_t offset, size_t limit) override {
    return alive().read(file, offset, limit);
  }
  bool lock(const File& file) override { return alive().lock(file); }
  bool has_writer(const File& file) override { return alive().has_writer(file); }
  std::optional<uint64_t> seek_data(const File& file, uint64_t offset) override {
    return alive().seek_data(file, offset);
  }
  uint64_t seek_hole(const File& file, uint64_t offset) override { return alive().seek_hole(file, offset); }

  void make_dir(const File& dir, const std::string& name, mode_t mode) override {
    changing().make_dir(dir, name, mode);
  }
  File create(const File& dir, const std::string& name, mode_t mode) override {
    return changing().create(dir, name, mode);
  }
  bool remove(const File& dir, const std::string& name) override {
    auto& real = changing();
    const int fd = openat(dir.fd(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) disk_.keep(fd);
    return real.remove(dir, name);
  }
  void write(const File& file, uint64_t offset, std::string_view data) override {
    changing().write(file, offset, data);
  }
  void truncate(const File& file, uint64_t size) override { changing().truncate(file, size); }
  void own(const File& file, const Ownership& owner) override { changing().own(file, owner); }
  bool clone(const File& to, const File& from) override { return changing().clone(to, from); }
  void sync(const File& file) override {
    changing().sync(file);
    disk_.synced(file.fd());
  }

 private:
  Files& alive() {
    if (disk_.is_off()) throw FileError("reach", "a disk without power,", EIO);
    return *real_;
  }
  Files& changing() {
    disk_.change();
    return alive();
  }
  PowerCut& disk_;
  const std::unique_ptr<Files> real_;
};
}  // namespace

void use_disk(PowerCut& disk) { disk_in_use = &disk; }

}  // namespace vbs::test

namespace vbs::lustre {
std::unique_ptr<Files> make_files() { return std::make_unique<test::PowerCutFiles>(*test::disk_in_use); }
}  // namespace vbs::lustre
