#include "core/store/database.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

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
}  // namespace

Database::Database(const std::string& dir, size_t readers) {
  const std::string lock = dir + "/vbs.lock", path = dir + "/vbs.db";
  const mode_t old = ::umask(0077);  // the store holds export secrets
  lock_fd_ = ::open(lock.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  const int error = errno;
  if (lock_fd_ >= 0 && ::flock(lock_fd_, LOCK_EX | LOCK_NB) == 0) {
    migrate(path);
    writer_ = std::make_unique<Writer>(path);
    for (size_t i = 0; i < readers; ++i)
      readers_.push_back(std::make_unique<Session>(path, Session::Access::read_only));
    ::umask(old);
    return;
  }
  ::umask(old);
  if (lock_fd_ < 0)
    throw Error(Code::unavailable,
                fmt::format("cannot open {}: {}; does the data directory exist and may vbsd write there?", lock,
                            std::strerror(error)));
  ::close(lock_fd_);
  throw Error(Code::conflict,
              fmt::format("another vbsd works on {}: stop that one first, or give this one its own data_dir", dir));
}

Database::~Database() {
  writer_.reset();
  readers_.clear();
  if (lock_fd_ >= 0) ::close(lock_fd_);
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
