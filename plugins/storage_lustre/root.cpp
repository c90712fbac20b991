// SPDX-License-Identifier: MIT
#include "root.hpp"

#include <algorithm>
#include <cerrno>

#include "names.hpp"

namespace vbs::lustre {
namespace {
using plugin::Error;
constexpr const char* kMarker = ".vbs-backend";
constexpr const char* kLock = ".vbs-lock";
constexpr const char* kImages = "images";
constexpr size_t kMarkerLimit = 4096;

// Entries that a file system or an interrupted first open may leave in an otherwise empty root.
bool counts_as_empty(const std::string& name) {
  return name == "lost+found" || name == kMarker || name == kLock || name == kImages;
}

File open_root(Files& files, const std::string& path) {
  try {
    return files.open_dir(path);
  } catch (const FileError& e) {
    if (e.error() != ENOENT && e.error() != ENOTDIR) throw;
    throw Error(VBS_UNAVAILABLE, "the root " + path + " is not there: mount its file system, or make the directory");
  }
}

constexpr std::string_view kMarkerBegin = "{\"vbs_backend\":\"", kMarkerEnd = "\",\"layout\":1}\n";

// The id that the marker of an existing root has.
std::string marked_id(Files& files, const std::string& path) {
  const File dir = open_root(files, path);
  const auto file = files.open_read(dir, kMarker);
  const std::string text = file ? files.read(*file, 0, kMarkerLimit) : "";
  std::string id;
  if (text.starts_with(kMarkerBegin) && text.ends_with(kMarkerEnd) &&
      text.size() > kMarkerBegin.size() + kMarkerEnd.size())
    id = text.substr(kMarkerBegin.size(), text.size() - kMarkerBegin.size() - kMarkerEnd.size());
  if (!is_uuid(id))
    throw Error(VBS_NOT_FOUND, "the root " + path + " has no whole marker " + kMarker +
                                   ": it is not mounted, or no back-end was ever opened there");
  return id;
}

// Open for writing: where flock is built on POSIX locks (NFS), an exclusive one needs that.
File open_lock_file(Files& files, const File& dir) {
  try {
    return files.create(dir, kLock, 0600);
  } catch (const FileError& e) {
    if (e.error() != EEXIST) throw;
    return files.open_write(dir, kLock);
  }
}
}  // namespace

Root::Root(Files& files, std::string path, std::string backend_id)
    : files_(files),
      path_(std::move(path)),
      backend_id_(backend_id.empty() ? marked_id(files, path_) : std::move(backend_id)),
      marker_text_(std::string(kMarkerBegin) + backend_id_ + std::string(kMarkerEnd)) {
  if (!is_uuid(backend_id_)) throw Error(VBS_INVALID, "the back-end's id '" + backend_id_ + "' is not a UUID");
  const File dir = open_root(files_, path_);
  const Marker found = read_marker(dir, VBS_CONFLICT);
  if (found != Marker::right) {
    const auto names = files_.names(dir);
    const auto other = std::find_if_not(names.begin(), names.end(), counts_as_empty);
    if (other != names.end())
      throw Error(VBS_UNAVAILABLE, "the root " + path_ + " has no marker " + kMarker + " and is not empty (" + *other +
                                       "): mount its file system, or give the back-end a directory of its own");
    // Two first opens at once: the lock decides before the marker is written.
    take_lock(dir);
    if (read_marker(dir, VBS_CONFLICT) != Marker::right) write_marker(dir);
  } else {
    take_lock(dir);
  }
  files_.make_dir(dir, kImages, 0711);  // QEMU's user must reach the files, and need not list them
  files_.sync(dir);
}

File Root::enter() {
  File dir = open_root(files_, path_);
  if (read_marker(dir, VBS_UNAVAILABLE) != Marker::right)
    throw Error(VBS_UNAVAILABLE,
                "the root " + path_ + " has no marker " + kMarker +
                    ": its file system is not mounted, or the marker was removed; VBS touches nothing there");
  const auto now = files_.status(dir, kLock);
  {
    const std::lock_guard guard(mutex_);
    if (!now || now->inode != lock_status_.inode || now->device != lock_status_.device) take_lock(dir);
  }
  return files_.open_dir(dir, kImages);
}

void Root::sync_through_lock_file() {
  const std::lock_guard guard(mutex_);
  if (lock_) files_.sync(*lock_);
}

Root::Marker Root::read_marker(const File& dir, vbs_status other) {
  const auto file = files_.open_read(dir, kMarker);
  if (!file) return Marker::absent;
  const auto text = files_.read(*file, 0, kMarkerLimit);
  if (text == marker_text_) return Marker::right;
  if (marker_text_.starts_with(text)) return Marker::unfinished;
  throw Error(other, "the root " + path_ + " belongs to another back-end: its marker " + kMarker + " says " +
                         text.substr(0, text.find('\n')) + ", expected " + backend_id_);
}

void Root::write_marker(const File& dir) {
  files_.remove(dir, kMarker);  // an unfinished one
  const File file = files_.create(dir, kMarker, 0644);
  files_.write(file, 0, marker_text_);
  files_.sync(dir);
  files_.sync(file);  // last: on Lustre only the sync of a regular file makes names durable
}

void Root::take_lock(const File& dir) {
  lock_.reset();
  auto opened = open_lock_file(files_, dir);
  if (!files_.lock(opened))
    throw Error(VBS_UNAVAILABLE, "the root " + path_ + " is in use by another instance (" + kLock +
                                     " is locked): stop the other vbsd or delegate, or wait until it has ended");
  lock_status_ = files_.status(dir, kLock).value_or(FileStatus{});
  lock_ = std::move(opened);
}

}  // namespace vbs::lustre
