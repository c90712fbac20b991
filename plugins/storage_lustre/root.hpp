// SPDX-License-Identifier: MIT
//
// ROOT: the marker, the lock and the way in. Every call enters anew by the path and checks the marker there, so that an
// unmounted file system, or another one mounted in its place, is "unavailable" and never "not found" or "empty".
//
//   ROOT/.vbs-backend   marker: the back-end's id, made when the back-end is first opened, on an empty directory
//   ROOT/.vbs-lock      flock of the one instance that works here; on Lustre valid for all nodes (mount option flock)
//   ROOT/images/        everything else (names.hpp)
//
// Threading: enter() from any thread.
#pragma once
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "fs.hpp"

namespace vbs::lustre {

class Root {
 public:
  // Makes marker, lock file and images directory where the root is new. Throws Error: VBS_UNAVAILABLE if the root is
  // missing, not empty and without a marker, or locked by another instance; VBS_CONFLICT if it belongs to another
  // back-end. An empty id: that of the marker is taken; VBS_NOT_FOUND without a whole one, and nothing is made.
  Root(Files& files, std::string path, std::string backend_id);

  // The images directory, after the marker was found right. Throws Error(VBS_UNAVAILABLE).
  File enter();
  const std::string& path() const { return path_; }
  const std::string& backend_id() const { return backend_id_; }
  // On Lustre: makes every name changed so far durable. A directory's sync reaches no server there; the sync of a
  // regular file, whichever, makes the metadata server commit.
  void sync_through_lock_file();

 private:
  enum class Marker { right, absent, unfinished };
  Marker read_marker(const File& dir, vbs_status other);
  void write_marker(const File& dir);
  void take_lock(const File& dir);

  Files& files_;
  const std::string path_, backend_id_, marker_text_;
  std::mutex mutex_;
  std::optional<File> lock_;
  FileStatus lock_status_;  // of the file that is locked: an other one there means an other mount
};

}  // namespace vbs::lustre
