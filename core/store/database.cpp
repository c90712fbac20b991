#include "core/store/database.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/log.hpp"
#include "core/store/backup.hpp"
#include "core/store/migrate.hpp"

namespace vbs::store {
namespace {
class PrivateFiles {
 public:
  PrivateFiles() : old_(::umask(0077)) {}
  ~PrivateFiles() { ::umask(old_); }

 private:
  const mode_t old_;
};
}  // namespace

UniqueFd lock_data_dir(const std::string& dir) {
  const std::string lock = dir + "/vbs.lock";
  UniqueFd fd(::open(lock.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  if (!fd)
    throw Error(Code::unavailable,
                fmt::format("cannot open {}: {}; does the data directory exist and may vbsd write there?", lock,
                            std::strerror(errno)));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      throw Error(Code::conflict,
                  fmt::format("another vbsd works on {}: stop that one first, or give this one its own data_dir", dir));
    throw Error(Code::unavailable,
                fmt::format("cannot lock {}: {}; data_dir must be on a local file system", lock, std::strerror(errno)));
  }
  return fd;
}

Database::Database(const std::string& dir, size_t readers) : path_(dir + "/vbs.db") {
  const PrivateFiles private_files;  // the store holds export secrets
  lock_ = lock_data_dir(dir);
  migrate(path_, {kMigrations, static_cast<size_t>(kSchemaVersion)});
  writer_ = std::make_unique<Writer>(path_);
  for (size_t i = 0; i < readers; ++i) readers_.push_back(std::make_unique<Session>(path_, Session::Access::read_only));
}

uint64_t Database::backup(const std::string& to) const { return copy_store(path_, to); }

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
