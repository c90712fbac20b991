// SPDX-License-Identifier: MIT
//
// The files that one call makes. If the call fails they are removed again, unless its time is over: then another worker
// may have taken over and adopted them, so they stay for the next attempt, or reconcile, to judge.
#pragma once
#include <exception>
#include <string>
#include <vector>

#include "fs.hpp"
#include "index.hpp"

namespace vbs::lustre {

class Attempt {
 public:
  Attempt(Files& files, Index& index, plugin::Call& call, const File& images)
      : files_(files), index_(index), call_(call), images_(images) {}
  ~Attempt() {
    if (names_.empty() || call_.remaining_ms() <= 0) return;
    try {
      for (auto name = names_.rbegin(); name != names_.rend(); ++name) {
        files_.remove(images_, *name);
        index_.forget(*name);
      }
    } catch (const std::exception& e) {
      call_.log(VBS_LOG_WARNING, std::string("cleaning up after a failed attempt: ") + e.what());
    }
  }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  void made(const std::string& name) {
    names_.push_back(name);
    index_.add(name);
  }
  void keep() { names_.clear(); }

 private:
  Files& files_;
  Index& index_;
  plugin::Call& call_;
  const File& images_;
  std::vector<std::string> names_;
};

}  // namespace vbs::lustre
