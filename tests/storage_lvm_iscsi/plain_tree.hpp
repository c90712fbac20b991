// SPDX-License-Identifier: MIT
//
// The kernel's part in configfs, played on a plain directory: what a new directory contains by itself, and that one is
// not removed while something that was made in it is there. Can "kill" its user at the nth change.
#pragma once
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "plugins/storage_lvm_iscsi/configfs.hpp"

namespace vbs::test {

struct Killed : std::runtime_error {
  Killed() : std::runtime_error("killed here") {}
};

class PlainTree : public lvm::ConfigFs {
 public:
  explicit PlainTree(std::string root) : root_(std::move(root)) {
    std::filesystem::create_directories(root_ + "/core");
  }

  void make_dir(const std::string& path) override {
    step();
    if (std::filesystem::exists(path)) return;
    if (!std::filesystem::is_directory(std::filesystem::path(path).parent_path()))
      throw std::logic_error("its parent is not there: " + path);
    ConfigFs::make_dir(path);
    made_.insert(path);
    fill(path);
  }
  void remove_dir(const std::string& path) override {
    step();
    for (const auto& other : made_)
      if (other.starts_with(path + "/")) throw std::logic_error("not empty: " + path + " has " + other);
    if (std::filesystem::exists(path) && !links(path).empty()) throw std::logic_error("linked: " + path);
    std::filesystem::remove_all(path);
    made_.erase(path);
  }
  void write(const std::string& path, std::string_view value) override {
    step();
    written.push_back(path.substr(root_.size()) + "=" + std::string(value));
    ConfigFs::write(path, value);
  }
  void link(const std::string& to, const std::string& at) override {
    step();
    ConfigFs::link(to, at);
  }
  void unlink(const std::string& at) override {
    step();
    ConfigFs::unlink(at);
  }

  int kill_at = -1;  // the number of the change that is not made any more
  int steps = 0;
  std::vector<std::string> written;
  bool is_empty() const {  // but for the adapter and the fabric, which stay
    for (const auto& path : made_)
      if (path != root_ + "/iscsi" && path != root_ + "/core/iblock_827") return false;
    return true;
  }

 private:
  void step() {
    if (kill_at >= 0 && steps == kill_at) throw Killed();
    ++steps;
  }
  void attribute(const std::string& path, const std::string& value) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << value << "\n";
  }
  void fill(const std::string& path) {
    const auto parent = std::filesystem::path(path).parent_path(), grand = parent.parent_path();
    if (parent.filename() == "iblock_827") {
      for (const char* name : {"/control", "/udev_path", "/wwn/vpd_unit_serial"}) attribute(path + name, "");
      attribute(path + "/enable", "0");
    } else if (path.ends_with("/tpgt_1")) {
      for (const char* name : {"authentication", "prod_mode_write_protect"}) attribute(path + "/attrib/" + name, "0");
      for (const char* name : {"generate_node_acls", "cache_dynamic_acls", "demo_mode_discovery"})
        attribute(path + "/attrib/" + name, "1");
      attribute(path + "/param/AuthMethod", "CHAP,None");
      attribute(path + "/enable", "0");
      for (const char* name : {"/lun", "/np", "/acls"}) std::filesystem::create_directories(path + name);
    } else if (parent.filename() == "acls") {
      attribute(path + "/auth/userid", "");
      attribute(path + "/auth/password", "");
      attribute(path + "/info", "No active iSCSI Session for Initiator Endpoint: " + path);
    } else if (grand.filename() == "acls") {
      attribute(path + "/write_protect", read(grand.parent_path().string() + "/attrib/prod_mode_write_protect"));
    }
  }

  const std::string root_;
  std::set<std::string> made_;
};

}  // namespace vbs::test
