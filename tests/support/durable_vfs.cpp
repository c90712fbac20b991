#include "tests/support/durable_vfs.hpp"

#include <sqlite3.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <utility>
#include <vector>

namespace vbs::test {
namespace {
struct Watched {
  std::optional<std::string> durable;                  // nullopt: never synced
  std::vector<std::pair<sqlite3_int64, int>> written;  // since then: offset, length
};
std::mutex mutex;
std::map<std::string, Watched> files;  // by path; all connections to a file share one

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// Before the real file in the memory that SQLite gives for a file of ours.
struct WatchedFile {
  sqlite3_file base;
  sqlite3_io_methods methods;  // the real ones, with xSync and xClose exchanged; each takes the WatchedFile
  char* path;                  // null: a temporary file
};
sqlite3_vfs* real() {
  static sqlite3_vfs* const vfs = sqlite3_vfs_find("unix");
  return vfs;
}
sqlite3_file* inner(sqlite3_file* f) { return reinterpret_cast<sqlite3_file*>(reinterpret_cast<WatchedFile*>(f) + 1); }

int write(sqlite3_file* f, const void* data, int length, sqlite3_int64 offset) {
  const int result = inner(f)->pMethods->xWrite(inner(f), data, length, offset);
  if (const auto* path = reinterpret_cast<WatchedFile*>(f)->path) {
    const std::lock_guard lock(mutex);
    files[path].written.emplace_back(offset, length);
  }
  return result;
}
int sync(sqlite3_file* f, int flags) {
  const int result = inner(f)->pMethods->xSync(inner(f), flags);
  const auto* path = reinterpret_cast<WatchedFile*>(f)->path;
  if (!path || result != SQLITE_OK) return result;
  const std::lock_guard lock(mutex);
  auto& file = files[path];
  sqlite3_int64 size = 0;
  inner(f)->pMethods->xFileSize(inner(f), &size);
  if (!file.durable) file.durable.emplace();
  file.durable->resize(static_cast<size_t>(size));
  for (const auto& [offset, length] : file.written)
    if (offset + length <= size) inner(f)->pMethods->xRead(inner(f), file.durable->data() + offset, length, offset);
  file.written.clear();
  return result;
}
int close(sqlite3_file* f) {
  std::free(reinterpret_cast<WatchedFile*>(f)->path);
  return inner(f)->pMethods->xClose(inner(f));
}
// One forwarding function for each signature.
template <auto Method>
struct Forward;
template <class... A, class R, R (*sqlite3_io_methods::*Method)(sqlite3_file*, A...)>
struct Forward<Method> {
  static R call(sqlite3_file* f, A... a) { return (inner(f)->pMethods->*Method)(inner(f), a...); }
};

int open(sqlite3_vfs*, const char* name, sqlite3_file* f, int flags, int* out_flags) {
  auto* file = reinterpret_cast<WatchedFile*>(f);
  file->base.pMethods = nullptr;
  const int result = real()->xOpen(real(), name, inner(f), flags, out_flags);
  if (result != SQLITE_OK) return result;
  using M = sqlite3_io_methods;
  file->methods = {inner(f)->pMethods->iVersion,
                   close,
                   Forward<&M::xRead>::call,
                   write,
                   Forward<&M::xTruncate>::call,
                   sync,
                   Forward<&M::xFileSize>::call,
                   Forward<&M::xLock>::call,
                   Forward<&M::xUnlock>::call,
                   Forward<&M::xCheckReservedLock>::call,
                   Forward<&M::xFileControl>::call,
                   Forward<&M::xSectorSize>::call,
                   Forward<&M::xDeviceCharacteristics>::call,
                   Forward<&M::xShmMap>::call,
                   Forward<&M::xShmLock>::call,
                   Forward<&M::xShmBarrier>::call,
                   Forward<&M::xShmUnmap>::call,
                   Forward<&M::xFetch>::call,
                   Forward<&M::xUnfetch>::call};
  file->path = name ? strdup(name) : nullptr;
  file->base.pMethods = &file->methods;
  return SQLITE_OK;
}
int remove(sqlite3_vfs*, const char* name, int sync_dir) {
  const int result = real()->xDelete(real(), name, sync_dir);
  if (result == SQLITE_OK && sync_dir) {
    const std::lock_guard lock(mutex);
    files.erase(name);
  }
  return result;
}
}  // namespace

void watch_syncs_of_sqlite() {
  static sqlite3_vfs vfs = [] {
    auto v = *real();
    v.zName = "watched";
    v.szOsFile = static_cast<int>(sizeof(WatchedFile)) + real()->szOsFile;
    v.xOpen = open;
    v.xDelete = remove;
    return v;
  }();
  sqlite3_vfs_register(&vfs, 1);
}

std::optional<std::string> durable_content(const std::string& path) {
  const std::lock_guard lock(mutex);
  const auto it = files.find(path);
  return it == files.end() ? std::nullopt : it->second.durable;
}

void now_durable(const std::string& path) {
  auto data = content(path);
  const std::lock_guard lock(mutex);
  files[path] = {std::move(data), {}};
}

}  // namespace vbs::test
