#include "core/base/clock.hpp"
#include "core/store/columns.hpp"

namespace vbs::store {
namespace {
// Does any object stand on the layer, or any living layer stand on it?
bool in_use(Session& db, const std::string& backend_id, const std::string& name) {
  return db.number(
             "SELECT EXISTS (SELECT 1 FROM volumes WHERE backend_id = ? AND layer = ? AND layer <> '') OR "
             "EXISTS (SELECT 1 FROM snapshots WHERE backend_id = ? AND layer = ? AND layer <> '') OR "
             "EXISTS (SELECT 1 FROM layers WHERE backend_id = ? AND parent = ? AND parent <> '' AND dropped_by = '')",
             backend_id, name, backend_id, name, backend_id, name) != 0;
}
}  // namespace

void apply(Tx& tx, const std::string& backend_id, const StorageChange& change) {
  for (const auto& l : change.layers)
    tx.db.run("INSERT OR REPLACE INTO layers (backend_id, name, parent, format) VALUES (?,?,?,?)", backend_id, l.name,
              l.parent, l.format);
  for (const auto& o : change.objects) {
    const auto* sql =
        o.kind == ObjectKind::volume
            ? "UPDATE volumes SET refs=?, size_bytes=?, format=?, layer=?, updated_at=? WHERE id=? AND backend_id=?"
            : "UPDATE snapshots SET refs=?, size_bytes=?, format=?, layer=?, updated_at=? WHERE id=? AND backend_id=?";
    if (tx.db.run(sql, o.refs, static_cast<long long>(o.size_bytes), o.format, o.layer, now_us(), o.id, backend_id) !=
        1)
      throw Error(Code::internal,
                  "the storage plugin reported a change of " + o.id + ", which the store does not have");
  }
}

void drop_layers(Tx& tx, const ObjectRow& object) {
  tx.db.run("UPDATE volumes SET layer = '' WHERE id = ?", object.id);
  tx.db.run("UPDATE snapshots SET layer = '' WHERE id = ?", object.id);
  drop_unused_layers(tx, object);
}

void drop_unused_layers(Tx& tx, const ObjectRow& object) {
  for (std::string name = object.layer; !name.empty() && !in_use(tx.db, object.backend_id, name);) {
    tx.db.run("UPDATE layers SET dropped_by = ? WHERE backend_id = ? AND name = ?", object.id, object.backend_id, name);
    std::string parent;
    tx.db.each<S>(
        "SELECT parent FROM layers WHERE backend_id = ? AND name = ?", [&](const S& p) { parent = p; },
        object.backend_id, name);
    name = parent;
  }
}

std::vector<std::string> dropped_layers(Session& db, const std::string& object_id) {
  // Top first: a layer comes before its parent. The depth of a layer among those dropped gives the order. The
  // "<> ''" let SQLite use the partial indexes; without them each delete reads the whole table.
  std::vector<std::string> out;
  db.each<S>(
      "WITH RECURSIVE chain(name, parent, depth) AS ("
      " SELECT name, parent, 0 FROM layers l WHERE dropped_by = ? AND dropped_by <> '' AND NOT EXISTS (SELECT 1 FROM "
      "layers u WHERE u.dropped_by = l.dropped_by AND u.backend_id = l.backend_id AND u.parent = l.name AND u.parent "
      "<> '')"
      " UNION ALL SELECT l.name, l.parent, depth + 1 FROM layers l JOIN chain c ON l.name = c.parent WHERE "
      "l.dropped_by = ? AND l.dropped_by <> '')"
      " SELECT name FROM chain ORDER BY depth",
      [&](const S& name) { out.push_back(name); }, object_id, object_id);
  return out;
}

void forget_layers(Tx& tx, const std::string& object_id) {
  tx.db.run("DELETE FROM layers WHERE dropped_by = ? AND dropped_by <> ''", object_id);
}

}  // namespace vbs::store
