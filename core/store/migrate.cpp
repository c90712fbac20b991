#include "core/store/migrate.hpp"

#include <fmt/format.h>

#include "core/base/log.hpp"
#include "core/store/backup.hpp"
#include "core/store/session.hpp"

namespace vbs::store {
void migrate(const std::string& path, std::span<const char* const> migrations) {
  const auto newest = static_cast<long long>(migrations.size());
  Session s(path, Session::Access::read_write);
  const long long have = s.number("PRAGMA user_version");
  if (have > newest)
    throw Error(
        Code::invalid,
        fmt::format("{} has schema version {}, this vbsd knows up to {}: start the newer vbsd that wrote it, or "
                    "put back the copy that it made beside it (vbs.db.before-v{})",
                    path, have, newest, have));
  if (have == newest) return;
  if (have > 0) {
    const auto copy = fmt::format("{}.before-v{}", path, newest);
    copy_store(path, copy, true);  // one that is there is of a start that did not get as far as the change
    logger().info("the store is brought from version {} to {}; as it was it is kept in {}", have, newest, copy);
  }
  std::string script = "BEGIN IMMEDIATE;";
  for (auto v = have; v < newest; ++v) script += migrations[static_cast<size_t>(v)];
  script += fmt::format("PRAGMA user_version = {}; COMMIT;", newest);
  try {
    s.script(script);
  } catch (const Error& e) {
    throw Error(e.code(), fmt::format("the store {} could not be brought from version {} to {}, and is unchanged: {}",
                                      path, have, newest, e.what()));
  }
}
}  // namespace vbs::store
