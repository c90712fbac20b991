#include "core/service/store_backup.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <mutex>

#include "core/base/log.hpp"
#include "core/service/objects.hpp"

namespace vbs {
namespace {
constexpr size_t kMaxName = 128;

bool is_plain(const std::string& name) {
  const auto good = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '_' ||
           c == '-';
  };
  return !name.empty() && name.size() <= kMaxName && name.front() != '.' && std::all_of(name.begin(), name.end(), good);
}

std::string name_in(const std::string& dir, const std::string& file) {
  if (file.empty()) return fmt::format("vbs-{:%Y-%m-%dT%H%M%SZ}.db", fmt::gmtime(std::time(nullptr)));
  const std::string name = file.rfind(dir + "/", 0) == 0 ? file.substr(dir.size() + 1) : file;
  if (!is_plain(name))
    throw Error(
        Code::invalid,
        fmt::format("'file' must be a name of at most {} letters, digits, '.', '_' and '-', which is made in {} "
                    "on the service's machine (backup_dir in its configuration)",
                    kMaxName, dir),
        "file");
  return name;
}
}  // namespace

std::string backup_dir(const Config& config) {
  return config.backup_dir.empty() ? config.data_dir + "/backups" : config.backup_dir;
}

StoreBackup backup_store(Core& core, const Caller& caller, const std::string& file) {
  require_operator(caller.who, "back up the store");
  static std::mutex one_at_a_time;
  const std::unique_lock lock(one_at_a_time, std::try_to_lock);
  if (!lock) throw Error(Code::busy, "a backup of the store is being made; try again when it has ended");
  const auto dir = backup_dir(core.config);
  const auto name = name_in(dir, file);
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST)
    throw Error(Code::unavailable,
                fmt::format("cannot make the directory {}: {}; make it, or set backup_dir", dir, std::strerror(errno)));
  StoreBackup made{dir + "/" + name, 0};
  made.size_bytes = core.database.backup(made.file);
  logger().info("the store was backed up to {} ({} bytes)", made.file, made.size_bytes);
  core.database.writer().transact([&](store::Tx& tx) { record(tx, caller, "backup-store", "service", "", made.file); });
  return made;
}
}  // namespace vbs
