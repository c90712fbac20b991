#include <gtest/gtest.h>

#include "core/base/clock.hpp"
#include "tests/store/rows.hpp"

namespace vbs::test {
namespace {
using store::Filter;
using store::Tx;
using Ids = std::vector<std::string>;

Ids volumes(Store& s, const Filter& f) {
  return s.database.read([&](store::Session& db) {
    Ids out;
    for (const auto& v : store::list_volumes(db, f)) out.push_back(v.id);
    return out;
  });
}

void attach(Store& s, const std::string& volume, const std::string& host, const std::string& vm_uuid,
            const std::string& vm_name) {
  s.database.writer().transact([&](Tx& tx) {
    store::AttachmentRow a;
    a.id = new_uuid();
    a.volume_id = volume;
    a.host_id = host;
    a.vm_uuid = vm_uuid;
    a.vm_name = vm_name;
    a.mode = "ro";
    a.state = "attached";
    store::insert_attachment(tx, a);
  });
}

TEST(AListOfVolumes, ShowsOneProjectUnlessNoneIsNamed) {
  Store s;
  const auto a = s.add_volume(s.alice), b = s.add_volume(s.bob);
  Filter f;
  EXPECT_EQ(volumes(s, f), (Ids{a, b}));
  f.project_id = s.alice.project_id;
  EXPECT_EQ(volumes(s, f), (Ids{a}));
}

TEST(AListOfVolumes, MergesGrantedOnesInTheirOrder) {
  Store s;
  Ids all;
  for (int i = 0; i < 6; ++i) all.push_back(s.add_volume(i % 2 ? s.bob : s.alice));
  s.database.writer().transact([&](Tx& tx) {
    for (int i : {1, 3, 5}) store::insert_grant(tx, all[i], s.alice.id);
    store::insert_grant(tx, all[0], s.alice.id);  // to the owner: must not come twice
  });
  Filter f;
  f.project_id = s.alice.project_id;
  f.granted_to = s.alice.id;
  EXPECT_EQ(volumes(s, f), all);
}

TEST(AListOfVolumes, PagesThroughOwnAndGrantedOnesWithoutGapOrRepetition) {
  Store s;
  Ids all;
  for (int i = 0; i < 25; ++i) {
    all.push_back(s.add_volume(i % 3 ? s.bob : s.alice));
    if (i % 3) s.database.writer().transact([&](Tx& tx) { store::insert_grant(tx, all.back(), s.alice.id); });
  }
  Filter f;
  f.project_id = s.alice.project_id;
  f.granted_to = s.alice.id;
  f.limit = 4;
  Ids paged;
  for (;;) {
    const auto page = volumes(s, f);
    if (page.empty()) break;
    EXPECT_LE(page.size(), 4u);
    paged.insert(paged.end(), page.begin(), page.end());
    f.after_seq = s.volume(page.back()).seq;
  }
  EXPECT_EQ(paged, all);
}

TEST(AListOfVolumes, TakesEveryFilterTogether) {
  Store s;
  const auto a = s.add_volume(s.alice, "data"), b = s.add_volume(s.alice, "data"), c = s.add_volume(s.alice, "other");
  s.database.writer().transact([&](Tx& tx) { store::set_lifecycle(tx, ObjectKind::volume, b, "failed"); });
  Filter f;
  f.name = "data";
  EXPECT_EQ(volumes(s, f), (Ids{a, b}));
  f.lifecycle = "failed";
  EXPECT_EQ(volumes(s, f), (Ids{b}));
  f.ids = {a, c};
  EXPECT_EQ(volumes(s, f), (Ids{}));
}

TEST(AListOfVolumes, FindsThoseOfAHostAndOfAVmByNameAndUuid) {
  Store s;
  const auto a = s.add_volume(s.alice), b = s.add_volume(s.alice);
  s.add_volume(s.alice);
  attach(s, a, "h1", "u1", "web");
  attach(s, a, "h2", "u2", "db");
  attach(s, b, "h2", "u3", "web");
  Filter f;
  f.host_id = "h2";
  EXPECT_EQ(volumes(s, f), (Ids{a, b}));
  f = {};
  f.vm = "web";
  EXPECT_EQ(volumes(s, f), (Ids{a, b}));
  f.vm = "u2";
  EXPECT_EQ(volumes(s, f), (Ids{a}));
}

TEST(Grants, AreGoneWithTheVolumeAndNotDoubledByAskingTwice) {
  Store s;
  const auto v = s.add_volume(s.alice);
  s.database.writer().transact([&](Tx& tx) {
    store::insert_grant(tx, v, s.bob.id);
    store::insert_grant(tx, v, s.bob.id);
  });
  EXPECT_EQ(s.number("SELECT count(*) FROM grants"), 1);
  s.database.writer().transact([&](Tx& tx) { store::delete_volume(tx, v); });
  EXPECT_EQ(s.number("SELECT count(*) FROM grants"), 0);
}

TEST(AVmAttachment, OfOneVolumeToOneVmIsUnique) {
  Store s;
  const auto v = s.add_volume(s.alice);
  attach(s, v, "h1", "u1", "web");
  EXPECT_THROW(attach(s, v, "h1", "u1", "web"), store::UniqueViolation);
  attach(s, v, "h1", "u2", "web");
}

TEST(UnusedExports, AreThoseThatNoAttachmentNames) {
  Store s;
  const auto v = s.add_volume(s.alice);
  s.database.writer().transact([&](Tx& tx) {
    const auto host = store::ensure_host(tx, {"", "node1", "[]", "fake", ""});
    store::ExportRow e;
    e.id = "e1";
    e.volume_id = v;
    e.host_id = host.id;
    e.mode = "ro";
    e.state = "exported";
    store::put_export(tx, e);
    EXPECT_EQ(store::unused_exports(tx.db).size(), 1u);
    store::AttachmentRow a;
    a.id = new_uuid();
    a.volume_id = v;
    a.host_id = host.id;
    a.export_id = "e1";
    a.mode = "ro";
    a.state = "attached";
    store::insert_attachment(tx, a);
    EXPECT_TRUE(store::unused_exports(tx.db).empty());
  });
}

TEST(EndedOperations, AreForgottenAfterTheirTimeAndLiveOnesNever) {
  Store s;
  const auto add = [&](const std::string& state, long long at) {
    s.database.writer().transact([&](Tx& tx) {
      store::OperationRow o;
      o.id = new_uuid();
      o.kind = "create-volume";
      o.state = state;
      o.created_at = o.updated_at = at;
      store::insert_operation(tx, o);
    });
  };
  const auto now = now_us();
  add("done", 1);
  add("failed", 1);
  add("waiting", 1);
  add("done", now);
  s.database.writer().transact([&](Tx& tx) { store::forget_operations(tx, now - 1000); });
  EXPECT_EQ(s.number("SELECT count(*) FROM operations"), 2);
  EXPECT_EQ(s.database.read([](store::Session& db) { return store::live_operations(db); }).size(), 1u);
}

TEST(TouchedObjects, IncludeTheVolumeAndSourceOfLiveAndRecentOperations) {
  Store s;
  s.database.writer().transact([&](Tx& tx) {
    store::OperationRow o;
    o.id = "1";
    o.state = "waiting";
    o.object_id = "attachment";
    o.params = R"({"volume_id":"vol"})";
    store::insert_operation(tx, o);
    o.id = "2";
    o.state = "done";
    o.object_id = "clone";
    o.params = R"({"source_id":"src"})";
    o.updated_at = 100;
    store::insert_operation(tx, o);
    o.id = "3";
    o.object_id = "old";
    o.updated_at = 10;
    store::insert_operation(tx, o);
  });
  EXPECT_EQ(s.database.read([](store::Session& db) { return store::touched_since(db, 50); }),
            (std::set<std::string>{"attachment", "vol", "clone", "src"}));
}

TEST(IdempotencyKeys, ExpireByAge) {
  Store s;
  s.database.writer().transact([&](Tx& tx) {
    store::insert_idempotency(tx, {"u", "t", "h", "o", "op"});
    ASSERT_TRUE(store::find_idempotency(tx.db, "u", "t"));
    EXPECT_FALSE(store::find_idempotency(tx.db, "other", "t")) << "a token belongs to one user";
    store::expire_idempotency(tx, now_us() - 1000000);
    EXPECT_TRUE(store::find_idempotency(tx.db, "u", "t"));
    store::expire_idempotency(tx, now_us() + 1);
    EXPECT_FALSE(store::find_idempotency(tx.db, "u", "t"));
  });
}
}  // namespace
}  // namespace vbs::test
