#include <fmt/format.h>

#include "core/base/clock.hpp"
#include "core/base/ids.hpp"
#include "core/store/checks.hpp"
#include "core/store/columns.hpp"

namespace vbs::store {
namespace {
template <class... P>
std::vector<UserRow> select(Session& db, const std::string& rest, const P&... params) {
  std::vector<UserRow> out;
  db.each<S, S, S, S, S, I>(
      "SELECT id, source, issuer, subject, project_id, created_at FROM users " + rest,
      [&](const S& id, const S& source, const S& issuer, const S& subject, const S& project, I created) {
        out.push_back({id, source, issuer, subject, project, created});
        check(out.back());
      },
      params...);
  return out;
}
}  // namespace

std::optional<UserRow> find_user(Session& db, const std::string& id) { return first(select(db, "WHERE id = ?", id)); }

std::optional<UserRow> find_user(Session& db, const std::string& source, const std::string& issuer,
                                 const std::string& subject) {
  return first(select(db, "WHERE source = ? AND issuer = ? AND subject = ?", source, issuer, subject));
}

std::vector<UserRow> list_users(Session& db) { return select(db, "ORDER BY created_at"); }

void insert_user(Tx& tx, const UserRow& r) {
  tx.db.run("INSERT INTO projects (id, name, source, created_at) VALUES (?,?,?,?)", r.project_id, r.subject, r.source,
            r.created_at);
  tx.db.run("INSERT INTO users (id, source, issuer, subject, project_id, created_at) VALUES (?,?,?,?,?,?)", r.id,
            r.source, r.issuer, r.subject, r.project_id, r.created_at);
}

UserRow ensure_user(Tx& tx, const std::string& source, const std::string& issuer, const std::string& subject) {
  if (auto known = find_user(tx.db, source, issuer, subject)) return *known;
  // A certificate brings no project, so its user gets a personal one.
  UserRow r{new_uuid(), source, issuer, subject, new_uuid(), now_us()};
  insert_user(tx, r);
  return r;
}
}  // namespace vbs::store
