// The least that a durable creation costs on a file system: the same files and the same syncs as a create-volume, in
// the same order, one after the other, and nothing else.
//
//   1. append the 11 pages of a commit to a write-ahead log, fdatasync     (the operation is accepted)
//   2. create the image, set its size; create the sidecar, write it; fsync sidecar, image, directory
//   3. append the 8 pages of a commit to the log, fdatasync                (the volume is available)
//
// The log behaves as SQLite's does: it grows to 8,000 pages and is then written again from its start.
#pragma once
#include <cstdint>
#include <string>

namespace vbs::bench {

class BareSequence {
 public:
  // `log_dir`: where the log lies (the store's file system); `volume_dir`: where the files go. Both get a file or
  // directory of their own, removed at the end. Throws std::system_error.
  BareSequence(const std::string& log_dir, const std::string& volume_dir);
  ~BareSequence();
  BareSequence(const BareSequence&) = delete;
  BareSequence& operator=(const BareSequence&) = delete;
  void create(uint64_t size_bytes);

 private:
  void commit(unsigned pages);
  const std::string log_path_, dir_path_;
  int log_ = -1, dir_ = -1;
  uint64_t at_ = 0, made_ = 0;
};

}  // namespace vbs::bench
