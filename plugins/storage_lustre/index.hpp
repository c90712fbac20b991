// SPDX-License-Identifier: MIT
//
// What lies in the images directory, kept in memory so that no call has to list the directory: which files belong to
// which id, which objects use a file, and how many bytes are promised. Right because one instance has the root to
// itself (root.hpp); list() reads the disk and adds what it finds. Threading: every method from any thread.
#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "names.hpp"
#include "record.hpp"

namespace vbs::lustre {

class Index {
 public:
  void add(const std::string& name);
  void add_sidecar(const std::string& name, const Record& record);
  void forget(const std::string& name);

  std::vector<FileName> owned_by(const std::string& id) const;
  std::vector<std::string> overlays_made_for(const std::string& id) const;   // of other owners; slow, for undoing
  bool is_used(const std::string& file) const;                               // by any object whose sidecar is known
  std::vector<std::string> sidecars_of_file(const std::string& file) const;  // slow, too

  // Bytes that an object may grow to. `limit` on the sum of all: nullopt if it would be passed, else what was promised
  // before.
  std::optional<uint64_t> promise(const std::string& id, uint64_t bytes, uint64_t limit);
  uint64_t promised() const;

  // Objects of running calls: their files are not left over, however they look now.
  void begin_work(const std::string& id);
  void end_work(const std::string& id);
  bool is_worked_on(const std::string& id) const;

 private:
  struct Owner {
    std::set<std::string> names;
    uint64_t promised = 0;
  };
  void drop_if_empty(const std::string& id);

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Owner> owners_;
  std::unordered_map<std::string, std::vector<std::string>> used_by_sidecar_;  // sidecar -> files
  std::unordered_map<std::string, unsigned> users_;                            // file -> number of sidecars
  std::multiset<std::string> working_;
  uint64_t promised_ = 0;
};

class Working {
 public:
  Working(Index& index, std::string a, std::string b = "") : index_(index), ids_{std::move(a), std::move(b)} {
    for (const auto& id : ids_) index_.begin_work(id);
  }
  ~Working() {
    for (const auto& id : ids_) index_.end_work(id);
  }
  Working(const Working&) = delete;
  Working& operator=(const Working&) = delete;

 private:
  Index& index_;
  const std::string ids_[2];
};

}  // namespace vbs::lustre
