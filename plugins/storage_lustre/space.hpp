// SPDX-License-Identifier: MIT
//
// Is there room? Asked before anything is made. Two questions: may the sum of what is promised grow so far (total bytes
// x over_commit_ratio), and is what must be written at once free now, beside the reserve. Figures of Lustre come from
// `lfs df -l`, since one full OST stops a file while plain df shows the sum. Threading: any thread.
#pragma once
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "config.hpp"
#include "fs.hpp"
#include "index.hpp"
#include "vbs/plugin/storage.hpp"

namespace vbs::lustre {

struct Figures {
  uint64_t total_bytes = 0;
  uint64_t free_bytes = 0;  // for one new file
  int osts = 0;             // on Lustre: those that answer, of the pool
};

class Space {
 public:
  Space(Files& files, plugin::Host host, const Config& config, Index& index, bool on_lustre)
      : files_(files), host_(host), config_(config), index_(index), on_lustre_(on_lustre) {}

  Figures figures(plugin::Call& call, const File& images, const Striping& striping);
  // Bytes that a call may still write at once, the reserve left out.
  uint64_t usable(const Figures& f) const {
    return f.free_bytes > config_.reserve_bytes ? f.free_bytes - config_.reserve_bytes : 0;
  }
  // Throws Error(VBS_NO_SPACE) with the figures. What was promised to the object before.
  uint64_t promise(plugin::Call& call, const File& images, const Striping& striping, const std::string& id,
                   uint64_t size_bytes, uint64_t write_bytes);

 private:
  Figures ask_lustre(plugin::Call& call, const Striping& striping);

  struct Known {
    std::chrono::steady_clock::time_point at;
    Figures figures;
  };
  Files& files_;
  const plugin::Host host_;
  const Config& config_;
  Index& index_;
  const bool on_lustre_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;  // by pool and stripe count
};

// A promise that is taken back unless the call came to its end.
class Promise {
 public:
  Promise(Space& space, Index& index, plugin::Call& call, const File& images, const Striping& striping, std::string id,
          uint64_t size_bytes, uint64_t write_bytes)
      : index_(index),
        id_(std::move(id)),
        before_(space.promise(call, images, striping, id_, size_bytes, write_bytes)) {}
  ~Promise() {
    if (!kept_) index_.promise(id_, before_, UINT64_MAX);
  }
  Promise(const Promise&) = delete;
  Promise& operator=(const Promise&) = delete;
  void keep() { kept_ = true; }

 private:
  Index& index_;
  const std::string id_;
  const uint64_t before_;
  bool kept_ = false;
};

}  // namespace vbs::lustre
