#include <fmt/format.h>

#include "core/base/clock.hpp"
#include "core/base/error.hpp"
#include "core/store/columns.hpp"

namespace vbs::store {
void set_drained(Tx& tx, const std::string& kind, const std::string& id, bool drained) {
  if (drained)
    tx.db.run("INSERT OR IGNORE INTO drained (kind, id, since) VALUES (?,?,?)", kind, id, now_us());
  else
    tx.db.run("DELETE FROM drained WHERE kind = ? AND id = ?", kind, id);
}

bool is_drained(Session& db, const std::string& kind, const std::string& id) {
  bool found = false;
  db.each<S>(
      "SELECT id FROM drained WHERE kind = ? AND id = ?", [&](const S&) { found = true; }, kind, id);
  return found;
}

void refuse_drained(Session& db, const std::string& kind, const std::string& id, const std::string& name) {
  if (is_drained(db, kind, id))
    throw Error(Code::conflict, fmt::format("{} {} is drained and takes nothing new: use another one, or have an "
                                            "operator end it ('vbs {} drain {} --undo')",
                                            kind, name, kind == "host" ? "hosts" : "backends", name));
}

std::vector<NamedObject> objects_of(Session& db, const std::string& backend_id, size_t limit) {
  std::vector<NamedObject> out;
  db.each<S, S, S>(
      "SELECT 'volume', id, name FROM volumes WHERE backend_id = ? UNION ALL "
      "SELECT 'snapshot', id, name FROM snapshots WHERE backend_id = ? LIMIT ?",
      [&](const S& kind, const S& id, const S& name) {
        out.push_back({kind, id, name});
      },
      backend_id, backend_id, static_cast<long long>(limit));
  return out;
}
}  // namespace vbs::store
