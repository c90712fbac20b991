// Short ways to put rows into a store, for the tests of this directory.
#pragma once
#include "core/base/ids.hpp"
#include "core/store/database.hpp"
#include "core/store/rows.hpp"
#include "tests/support/temporary_directory.hpp"

namespace vbs::test {

// A store with one back-end ("b") and two users.
struct Store {
  Store() {
    database.writer().transact([&](store::Tx& tx) {
      backend = store::ensure_backend(tx, {"", "b", "fake"}).id;
      alice = store::ensure_user(tx, "x509", "CN=CA", "CN=alice");
      bob = store::ensure_user(tx, "x509", "CN=CA", "CN=bob");
    });
  }
  store::VolumeRow new_volume(const store::UserRow& owner, const std::string& name = "v") const {
    store::VolumeRow v;
    v.id = new_uuid();
    v.project_id = owner.project_id;
    v.user_id = owner.id;
    v.backend_id = backend;
    v.name = name;
    v.size_bytes = 1 << 20;
    v.lifecycle = "available";
    return v;
  }
  std::string add_volume(const store::UserRow& owner, const std::string& name = "v") {
    const auto v = new_volume(owner, name);
    database.writer().transact([&](store::Tx& tx) { store::insert_volume(tx, v); });
    return v.id;
  }
  store::VolumeRow volume(const std::string& id) {
    return database.read([&](store::Session& db) { return store::find_volume(db, id).value(); });
  }
  long long number(const std::string& sql) {
    return database.read([&](store::Session& db) { return db.number(sql); });
  }

  TemporaryDirectory dir;
  store::Database database{dir.path()};
  std::string backend;
  store::UserRow alice, bob;
};

}  // namespace vbs::test
