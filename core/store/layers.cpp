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

std::string parent_of_layer(Session& db, const std::string& backend_id, const std::string& name) {
  std::string parent;
  db.each<S>(
      "SELECT parent FROM layers WHERE backend_id = ? AND name = ?", [&](const S& p) { parent = p; }, backend_id, name);
  return parent;
}

long long layers_under(Session& db, const std::string& backend_id, const std::string& name) {
  return db.number(
      "WITH RECURSIVE chain(name, depth) AS (SELECT ?, 0 UNION ALL SELECT l.parent, depth + 1 FROM chain c JOIN layers "
      "l ON l.backend_id = ? AND l.name = c.name WHERE l.parent <> '' AND depth < 1000) SELECT max(depth) FROM chain",
      name, backend_id);
}

std::vector<std::string> long_chains(Session& db, long long limit) {
  // From the layers that have a parent on, which are few where most volumes rest on none.
  std::vector<std::string> out;
  db.each<S>(
      "WITH RECURSIVE chain(volume, backend, name, depth) AS ("
      " SELECT v.id, v.backend_id, t.parent, 1 FROM layers t JOIN volumes v ON v.backend_id = t.backend_id AND v.layer "
      "= t.name WHERE t.parent <> '' AND v.layer <> '' AND v.lifecycle = 'available' AND v.operation_id = ''"
      " UNION ALL SELECT c.volume, c.backend, l.parent, depth + 1 FROM chain c JOIN layers l ON l.backend_id = "
      "c.backend AND l.name = c.name WHERE l.parent <> '' AND depth < 1000)"
      " SELECT volume FROM chain GROUP BY volume HAVING max(depth) > ? ORDER BY max(depth) DESC",
      [&](const S& id) { out.push_back(id); }, limit);
  return out;
}

void drop_unused_layers(Tx& tx, const ObjectRow& object) {
  for (std::string name = object.layer; !name.empty() && !in_use(tx.db, object.backend_id, name);) {
    tx.db.run("UPDATE layers SET dropped_by = ? WHERE backend_id = ? AND name = ?", object.id, object.backend_id, name);
    name = parent_of_layer(tx.db, object.backend_id, name);
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
