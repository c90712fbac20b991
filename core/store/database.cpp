#include "core/store/database.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/log.hpp"

namespace vbs::store {
namespace {
void migrate(const std::string& path) {
  Session s(path, Session::Access::read_write);
  const long long have = s.number("PRAGMA user_version");
  if (have > kSchemaVersion)
    throw Error(Code::invalid,
                fmt::format("{} has schema version {}, this vbsd knows up to {}: start the newer vbsd that wrote it",
                            path, have, kSchemaVersion));
  for (long long v = have; v < kSchemaVersion; ++v)
    s.script(fmt::format("BEGIN IMMEDIATE; {} PRAGMA user_version = {}; COMMIT;", kMigrations[v], v + 1));
}

class PrivateFiles {
 public:
  PrivateFiles() : old_(::umask(0077)) {}
  ~PrivateFiles() { ::umask(old_); }

 private:
  const mode_t old_;
};
}  // namespace

Database::Database(const std::string& dir, size_t readers) {
  const std::string lock = dir + "/vbs.lock", path = dir + "/vbs.db";
  const PrivateFiles private_files;  // the store holds export secrets
  lock_.reset(::open(lock.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  if (!lock_)
    throw Error(Code::unavailable,
                fmt::format("cannot open {}: {}; does the data directory exist and may vbsd write there?", lock,
                            std::strerror(errno)));
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      throw Error(Code::conflict,
                  fmt::format("another vbsd works on {}: stop that one first, or give this one its own data_dir", dir));
    throw Error(Code::unavailable,
                fmt::format("cannot lock {}: {}; data_dir must be on a local file system", lock, std::strerror(errno)));
  }
  migrate(path);
  writer_ = std::make_unique<Writer>(path);
  for (size_t i = 0; i < readers; ++i) readers_.push_back(std::make_unique<Session>(path, Session::Access::read_only));
}

Database::~Database() {
  writer_.reset();
  readers_.clear();
}

// What was read is good either way, so a failing end is no reason to fail the reader; the session is left outside of
// any transaction.
void Database::end_snapshot(Session& session) noexcept {
  try {
    session.run("COMMIT");
  } catch (const std::exception& e) {
    logger().warn("store: the end of a read failed: {}", e.what());
    try {
      session.run("ROLLBACK");
    } catch (const std::exception&) {
      // SQLite had ended it by itself.
    }
  }
}

Database::Lease::Lease(Database& d) : database(d) {
  std::unique_lock lock(d.mutex_);
  d.free_.wait(lock, [&] { return !d.readers_.empty(); });
  session = std::move(d.readers_.back());
  d.readers_.pop_back();
}

Database::Lease::~Lease() {
  {
    std::lock_guard lock(database.mutex_);
    database.readers_.push_back(std::move(session));
  }
  database.free_.notify_one();
}
}  // namespace vbs::store
