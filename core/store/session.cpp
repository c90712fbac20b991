#include "core/store/session.hpp"

#include <fmt/format.h>
#include <soci/sqlite3/soci-sqlite3.h>

namespace vbs::store {
namespace {
// Primary result codes, sqlite.org/rescode.html.
constexpr int kSqliteError = 1;  // the statement itself is wrong
constexpr int kSqliteConstraint = 19;
constexpr int kSqliteConfigMultithread = 2;

// A session belongs to one thread at a time, so SQLite's own mutex on each connection, taken for every column, guards
// nothing. It may be left out before the first connection of the process only.
void leave_out_mutexes() {
  static const int ignored = sqlite_api::sqlite3_config(kSqliteConfigMultithread);
  static_cast<void>(ignored);
}
}  // namespace

Session::Session(const std::string& path, Access access) {
  leave_out_mutexes();
  guarded("open", [&] {
    sql_.open(soci::sqlite3, "dbname=" + path);
    // FULL: a commit that was acknowledged survives a power cut. NORMAL in WAL mode would not promise that.
    sql_ << "PRAGMA journal_mode = WAL";
    sql_ << "PRAGMA synchronous = FULL";
    sql_ << "PRAGMA busy_timeout = 10000";
    sql_ << "PRAGMA foreign_keys = ON";
    sql_ << "PRAGMA trusted_schema = OFF";
    // The savepoint of each transaction of a batch keeps old pages: in memory, not in a temporary file.
    sql_ << "PRAGMA temp_store = MEMORY";
    // Ids are random, so changes touch pages all over the indexes: with SQLite's 2 MiB of cache and a checkpoint every
    // 1,000 pages, a busy store reads and copies the same pages again and again.
    sql_ << "PRAGMA cache_size = -16384";        // KiB
    sql_ << "PRAGMA wal_autocheckpoint = 8000";  // pages of 4 KiB
    if (access == Access::read_only) sql_ << "PRAGMA query_only = ON";
  });
}

long long Session::last_inserted() {
  auto* backend = static_cast<soci::sqlite3_session_backend*>(sql_.get_backend());
  return sqlite_api::sqlite3_last_insert_rowid(backend->conn_);
}

void Session::script(const std::string& sql) {
  guarded(sql, [&] {
    auto* backend = static_cast<soci::sqlite3_session_backend*>(sql_.get_backend());
    char* message = nullptr;
    if (sqlite_api::sqlite3_exec(backend->conn_, sql.c_str(), nullptr, nullptr, &message) != 0) {
      const std::string text = message ? message : "unknown error";
      sqlite_api::sqlite3_free(message);
      throw Error(Code::internal, "store: " + text);
    }
  });
}

void Session::guarded(std::string_view sql, const std::function<void()>& f) {
  const auto forget = [&] {
    if (const auto it = kept_.find(sql); it != kept_.end()) kept_.erase(it);
  };
  try {
    f();
  } catch (const soci::soci_error& e) {
    forget();
    // Not what(): SOCI adds the parameters to it, and an export's secret may be one.
    const std::string said = fmt::format("store: {} in: {}", e.get_error_message(), sql);
    const auto* sqlite = dynamic_cast<const soci::sqlite3_soci_error*>(&e);
    const int result = sqlite ? sqlite->result() & 0xff : kSqliteError;
    if (result == kSqliteConstraint) throw UniqueViolation(said);
    if (result != kSqliteError) throw StoreFailure(said);
    throw Error(Code::internal, said);
  } catch (...) {
    forget();
    throw;
  }
}
}  // namespace vbs::store
