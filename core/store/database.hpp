// The store: one SQLite file (WAL, synchronous=FULL) with one writer and a pool of readers. A lock file beside it keeps
// a second vbsd out: it says so and stops.
#pragma once
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/unique_fd.hpp"
#include "core/store/writer.hpp"

namespace vbs::store {

// Keeps every other vbsd out of DIR for as long as it is held. Error(conflict) if one works there already,
// Error(unavailable) if the directory cannot be used.
UniqueFd lock_data_dir(const std::string& dir);

class Database {
 public:
  // Creates DIR/vbs.db or brings its schema up to date (migrate.hpp). Throws Error(conflict) if another process holds
  // it, Error(invalid) if the file was written by a newer VBS, Error(unavailable) if the directory cannot be used.
  explicit Database(const std::string& dir, size_t readers = 4);
  ~Database();

  Writer& writer() { return *writer_; }
  // A copy as of one moment, while others read and write; answers its size in bytes (copy_store() in backup.hpp).
  uint64_t backup(const std::string& to) const;

  // Runs f(Session&) on a pooled read-only session, waiting for a free one. Every read in one call to f that must be of
  // one moment belongs into one transaction: use snapshot().
  template <class F>
  auto read(F&& f) {
    Lease lease(*this);
    return f(*lease.session);
  }
  // The same inside one read transaction.
  template <class F>
  auto snapshot(F&& f) {
    Lease lease(*this);
    lease.session->run("BEGIN");
    struct End {
      Session& s;
      ~End() { end_snapshot(s); }
    } end{*lease.session};
    return f(*lease.session);
  }

 private:
  struct Lease {
    explicit Lease(Database& d);
    ~Lease();
    Database& database;
    std::unique_ptr<Session> session;
  };
  static void end_snapshot(Session& session) noexcept;
  const std::string path_;
  UniqueFd lock_;  // given back last
  std::unique_ptr<Writer> writer_;
  std::mutex mutex_;
  std::condition_variable free_;
  std::vector<std::unique_ptr<Session>> readers_;
};

// In schema.cpp.
extern const char* const kMigrations[];
extern const int kSchemaVersion;

}  // namespace vbs::store
