// SPDX-License-Identifier: MIT
#include "power_cut.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace vbs::test {
namespace {
namespace fs = std::filesystem;

struct stat status_of(const std::string& path) {
  struct stat s {};
  if (lstat(path.c_str(), &s) != 0) throw std::runtime_error("stat " + path);
  return s;
}

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}
void make(const PowerCut::Tree& tree, const std::string& dir) {
  const auto names = tree.names.find(dir);
  if (names == tree.names.end()) return;
  for (const auto& [name, inode] : names->second) {
    const auto path = dir + "/" + name;
    if (inode == 0) {
      fs::create_directory(path);
      make(tree, path);
      continue;
    }
    std::ofstream out(path, std::ios::binary);
    if (const auto data = tree.data.find(inode); data != tree.data.end()) out << data->second;
    if (!out.flush()) throw std::runtime_error("write " + path);
  }
}
}  // namespace

PowerCut::~PowerCut() {
  for (const int fd : kept_) close(fd);
}

void PowerCut::take_names(const std::string& dir) {
  auto& durable = durable_.names[dir];
  durable.clear();
  for (const auto& entry : fs::directory_iterator(dir))
    durable[entry.path().filename()] = entry.is_directory() ? 0 : status_of(entry.path()).st_ino;
}

void PowerCut::take_all_names(const std::string& dir) {
  take_names(dir);
  for (const auto& [name, inode] : durable_.names[dir])
    if (inode == 0) take_all_names(dir + "/" + name);
}

void PowerCut::settle() {
  take_all_names(root_);
  for (const auto& [dir, durable] : durable_.names)
    for (const auto& [name, inode] : durable)
      if (inode != 0) durable_.data[inode] = content(dir + "/" + name);
}

void PowerCut::arm(size_t steps) {
  changes_ = 0;
  limit_ = steps;
}

bool PowerCut::change() {
  if (!off_ && changes_++ >= limit_) off_ = true;
  return off_;
}

void PowerCut::keep(int fd) { kept_.push_back(fd); }

void PowerCut::synced(int fd) {
  const auto path = "/proc/self/fd/" + std::to_string(fd);
  struct stat s {};
  if (fstat(fd, &s) != 0) throw std::runtime_error("fstat");
  if (S_ISREG(s.st_mode)) durable_.data[s.st_ino] = content(path);
  if (S_ISDIR(s.st_mode) && rule_ == Rule::posix) take_names(fs::read_symlink(path));
  if (S_ISREG(s.st_mode) && rule_ == Rule::lustre) take_all_names(root_);
}

void PowerCut::restore(Tree tree) {
  for (const auto& entry : fs::directory_iterator(root_)) fs::remove_all(entry.path());
  make(tree, root_);
  durable_ = {};
  settle();
  limit_ = SIZE_MAX;
  off_ = false;
}

}  // namespace vbs::test
