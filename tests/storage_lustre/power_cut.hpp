// SPDX-License-Identifier: MIT
//
// A disk that loses its power. It watches what the plugin does to the tree below `root` and remembers what was made
// durable; restore() then puts the tree into the worst state that the rule allows: of data and names, whatever no sync
// covered is gone, and a removed name that no sync covered is back.
//
//   posix   the data of a file is durable after its fsync, a name after fsync of its directory (fsync(2))
//   lustre  fsync of a directory does nothing; fsync of any regular file makes its data and all names durable
//
// What a child process wrote (qemu-img) counts as not synced until the plugin syncs that file itself.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace vbs::test {

class PowerCut {
 public:
  enum class Rule { posix, lustre };
  PowerCut(std::string root, Rule rule) : root_(std::move(root)), rule_(rule) {}
  ~PowerCut();
  PowerCut(const PowerCut&) = delete;
  PowerCut& operator=(const PowerCut&) = delete;

  Rule rule() const { return rule_; }
  void settle();           // all that is there now is durable, as after a long time of quiet
  void arm(size_t steps);  // power goes before change number `steps`, counted from now; 0 = before the first
  size_t changes() const { return changes_; }  // since arm()
  bool is_off() const { return off_; }
  void revive() { off_ = false, limit_ = SIZE_MAX; }  // it was only the process that died: nothing is lost yet
  // Power is back, with what is durable; never off again until arm().
  void restore() { restore(durable_); }

  using Directory = std::map<std::string, ino_t>;  // 0: a directory
  struct Tree {
    std::map<std::string, Directory> names;  // by path
    std::map<ino_t, std::string> data;
  };
  const Tree& durable() const { return durable_; }
  void restore(Tree tree);  // another one, so that a test need not be set up anew for each cut

  // For the layer under the plugin. True: power is off, and the call must fail.
  bool change();        // before each change
  void keep(int fd);    // a file that is about to lose its name: its inode must not be used again
  void synced(int fd);  // a file or a directory

 private:
  void take_names(const std::string& dir);
  void take_all_names(const std::string& dir);
  const std::string root_;
  const Rule rule_;
  size_t changes_ = 0, limit_ = SIZE_MAX;
  bool off_ = false;
  Tree durable_;
  std::vector<int> kept_;
};

}  // namespace vbs::test
