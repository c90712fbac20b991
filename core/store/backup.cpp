#include "core/store/backup.hpp"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "core/base/durable_file.hpp"
#include "core/base/error.hpp"

namespace vbs::store {
namespace {
constexpr int kBusyMs = 10000;
using Connection = std::unique_ptr<sqlite3, decltype(&sqlite3_close)>;

[[noreturn]] void failed(const std::string& what, const std::string& why) {
  throw Error(Code::unavailable, fmt::format("{}: {}", what, why));
}

Connection open(const std::string& path) {
  sqlite3* raw = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE, nullptr);
  Connection db(raw, sqlite3_close);
  if (result != SQLITE_OK) failed("cannot open " + path, raw ? sqlite3_errmsg(raw) : "no memory");
  sqlite3_busy_timeout(raw, kBusyMs);
  return db;
}

void run(sqlite3* db, const std::string& path, const char* sql) {
  if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK) failed("cannot write " + path, sqlite3_errmsg(db));
}

void check(sqlite3* db, const std::string& path) {
  std::string answer;
  const auto keep = [](void* to, int n, char** values, char**) {
    if (n > 0 && values[0] && static_cast<std::string*>(to)->empty()) *static_cast<std::string*>(to) = values[0];
    return 0;
  };
  const int result = sqlite3_exec(db, "PRAGMA quick_check(1)", keep, &answer, nullptr);
  if (result != SQLITE_OK) failed("cannot check " + path, sqlite3_errmsg(db));
  if (answer != "ok")
    throw Error(Code::internal, fmt::format("the copy {} is damaged ({}), and so is the store: keep older copies, and "
                                            "look at the disk and at the kernel's log",
                                            path, answer));
}

// All pages in one step: a copy in several would begin anew with each commit of the service.
void copy_pages(const std::string& from, const std::string& to) {
  const auto source = open(from);
  const auto target = open(to);
  // What is half written after a crash has no name, so SQLite need not sync; the file is synced at the end.
  run(target.get(), to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
  auto* backup = sqlite3_backup_init(target.get(), "main", source.get(), "main");
  if (!backup) failed("cannot copy to " + to, sqlite3_errmsg(target.get()));
  const int result = sqlite3_backup_step(backup, -1);
  sqlite3_backup_finish(backup);
  if (result != SQLITE_DONE) failed(fmt::format("cannot copy {} to {}", from, to), sqlite3_errstr(result));
  run(target.get(), to, "PRAGMA journal_mode = DELETE");  // the store's is WAL: the copy needs no second file
  check(target.get(), to);
}
}  // namespace

uint64_t copy_store(const std::string& from, const std::string& to, bool replace) {
  struct stat status {};
  if (!replace && ::lstat(to.c_str(), &status) == 0)  // before the work; publish() decides
    throw Error(Code::conflict, to + " exists already: it is not written over; give another name, or move it away");
  UnpublishedFile copy(to, 0600);
  copy_pages(from, copy.path());
  if (::stat(copy.path().c_str(), &status) != 0) failed("cannot look at " + copy.path(), std::strerror(errno));
  copy.publish(replace ? IfExists::replace : IfExists::refuse);
  return static_cast<uint64_t>(status.st_size);
}
}  // namespace vbs::store
