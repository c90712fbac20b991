#include "tests/support/durable_vfs.hpp"

#include <sqlite3.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>

namespace vbs::test {
namespace {
std::mutex mutex;
std::map<std::string, std::string> durable;  // by path

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

int sync(sqlite3_file* f, int flags) {
  const int result = inner(f)->pMethods->xSync(inner(f), flags);
  if (const auto* path = reinterpret_cast<WatchedFile*>(f)->path; path && result == SQLITE_OK) now_durable(path);
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
                   Forward<&M::xWrite>::call,
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
    durable.erase(name);
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
  const auto it = durable.find(path);
  return it == durable.end() ? std::nullopt : std::optional(it->second);
}

void now_durable(const std::string& path) {
  auto data = content(path);
  const std::lock_guard lock(mutex);
  durable[path] = std::move(data);
}

}  // namespace vbs::test
