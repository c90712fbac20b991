// The store's rows as they are read back: numbers, texts, blobs of any kind where the schema's columns are (SQLite
// keeps what it is given, whatever the column's type). Show, list, explain, the journal: an answer that is JSON, or
// Error(internal) that names the row.
//
// Input: changes, one after the other: table (1 byte), column (1), kind of value (1), then 8 bytes of a number or a
// length (2) and so many bytes.
#include <cstdlib>
#include <cstring>

#include "adapters/vbs/views.hpp"
#include "core/operations/support.hpp"
#include "core/service/objects.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/support/test_core.hpp"

using namespace vbs;

namespace {
struct Table {
  const char* name;
  std::vector<const char*> columns;  // beyond keys
};
const std::vector<Table> kTables{
    {"volumes",
     {"project_id", "user_id", "name", "comment", "metadata", "size_bytes", "lifecycle", "format", "refs", "layer",
      "snapshot_id", "source_volume_id", "error_code", "error_message", "operation_id", "created_at", "updated_at"}},
    {"snapshots",
     {"project_id", "user_id", "volume_id", "name", "comment", "metadata", "size_bytes", "lifecycle", "format", "refs",
      "layer", "error_code", "error_message", "operation_id", "created_at", "updated_at"}},
    {"attachments",
     {"project_id", "user_id", "host_id", "vm_uuid", "vm_name", "mode", "state", "device", "export_id", "error_code",
      "error_message", "operation_id", "created_at", "updated_at"}},
    {"operations",
     {"kind",      "state",      "project_id",    "user_id",    "subject",    "object_kind", "object_id",
      "params",    "data",       "step",          "step_name",  "undoing",    "attempt",     "cancel_requested",
      "waits_for", "error_code", "error_message", "request_id", "created_at", "updated_at"}},
    {"exports", {"initiator", "mode", "secret", "kind", "format", "data", "refs", "state", "created_at"}},
    {"users", {"source", "issuer", "subject", "created_at"}},
    {"layers", {"parent", "format", "dropped_by"}},
    {"hosts", {"aliases", "hypervisor", "initiator", "created_at"}}};

// A core with a volume, a snapshot and an attachment, whose rows are kept beside as they should be.
class World {
 public:
  World() {
    volume_ = core_.volume();
    snapshot_ = core_.snapshot(volume_);
    core_.attach(volume_, Mode::ro);
    core_.settle();
    core_->database.writer().transact([](store::Tx& tx) {
      for (const auto& t : kTables)
        tx.db.run(std::string("CREATE TABLE kept_") + t.name + " AS SELECT * FROM " + t.name);
    });
  }

  void change(fuzz::Input& input) {
    while (!input.empty()) {
      const auto& table = kTables[input.byte() % kTables.size()];
      const std::string column = table.columns[input.byte() % table.columns.size()];
      const std::string update = std::string("UPDATE ") + table.name + " SET " + column + " = ";
      const auto kind = input.byte() % 4;
      try {
        core_->database.writer().transact([&](store::Tx& tx) {
          changed_.insert({table.name, column});
          if (kind == 0)
            tx.db.run(update + "?", static_cast<long long>(input.number()));
          else
            tx.db.run(update + (kind == 1 ? "CAST(? AS BLOB)" : kind == 2 ? "CAST(? AS REAL)" : "?"), input.text());
        });
      } catch (const Error&) {  // a constraint of the schema: such a row cannot be
      }
    }
  }

  void read_all() {
    auto& core = *core_;
    const auto caller = core_.root();
    answer([&](JsonWriter& w) { native::write(w, core, show_volume(core, caller, volume_)); });
    answer([&](JsonWriter& w) { native::write(w, core, show_snapshot(core, caller, snapshot_)); });
    Page page;
    page.all_projects = true;
    list([&](JsonWriter& w) {
      for (const auto& v : list_volumes(core, caller, page)) native::write(w, core, v);
    });
    list([&](JsonWriter& w) {
      for (const auto& s : list_snapshots(core, caller, page)) native::write(w, core, s);
    });
    list([&](JsonWriter& w) {
      for (const auto& a : core.database.read([](store::Session& db) { return store::list_attachments(db, {}); }))
        native::write(w, core, a);
    });
    list([&](JsonWriter& w) {
      for (const auto& o : core.database.read([](store::Session& db) { return store::list_operations(db, {}); })) {
        native::write(w, core, o);
        unless_refused([&] { param(o, "volume_id"); });
        unless_refused([&] { param_u64(o, "size_bytes"); });
        unless_refused([&] { data(o, "x"); });
      }
    });
    list([&](JsonWriter& w) {
      for (const auto& line : explain(core, caller, volume_).lines) put(w, line);
    });
    unless_refused([&] { core.database.read([&](store::Session& db) { facts(db); }); });
    unless_refused([&] { core.database.read([&](store::Session& db) { others(db); }); });
  }

  void restore() {
    core_->database.writer().transact([&](store::Tx& tx) {
      for (const auto& [table, column] : changed_) {
        const std::string key = table == "layers" ? "name" : "id";
        tx.db.run("UPDATE " + table + " SET " + column + " = (SELECT k." + column + " FROM kept_" + table +
                  " k WHERE k." + key + " = " + table + "." + key + ")");
      }
    });
    changed_.clear();
  }

 private:
  template <class F>
  static void unless_refused(F&& f) {
    try {
      f();
    } catch (const Error& e) {
      if (*e.what() == '\0') std::abort();
    }
  }
  template <class F>
  static void answer(F&& f) {
    unless_refused([&] {
      JsonBuffer b;
      JsonWriter w(b);
      f(w);
      must_be_json({b.GetString(), b.GetSize()});
    });
  }
  template <class F>
  static void list(F&& f) {
    answer([&](JsonWriter& w) {
      w.StartArray();
      f(w);
      w.EndArray();
    });
  }
  static void must_be_json(const std::string& text) {
    try {
      parse_json(text);
    } catch (const Error& e) {
      fprintf(stderr, "an answer is no JSON: %s: %s\n", e.what(), text.c_str());
      std::abort();
    }
  }
  void facts(store::Session& db) {
    if (const auto v = store::find_volume(db, volume_)) must_be_json(facts_of(db, *v));
    if (const auto s = store::find_snapshot(db, snapshot_)) must_be_json(facts_of(db, *s));
  }
  void others(store::Session& db) {
    store::list_users(db);
    store::list_hosts(db);
    store::list_backends(db);
    store::unused_exports(db);
    store::dropped_layers(db, volume_);
    store::live_operations(db);
    store::touched_since(db, 0);
  }

  test::TemporaryDirectory directory_;
  test::FakeWorld world_;
  test::TestCore core_{world_, directory_.path()};
  std::string volume_, snapshot_;
  std::set<std::pair<std::string, std::string>> changed_;
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static World world;
  fuzz::Input input({reinterpret_cast<const char*>(data), size});
  world.change(input);
  world.read_all();
  world.restore();
  return 0;
}
