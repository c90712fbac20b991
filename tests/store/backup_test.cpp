#include "core/store/backup.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/store/migrate.hpp"
#include "tests/store/rows.hpp"

namespace vbs::test {
namespace {
using store::Database;
using store::Session;
namespace fs = std::filesystem;

long long volumes_in(const std::string& db) {
  return Session(db, Session::Access::read_only).number("SELECT count(*) FROM volumes");
}

Code code_of(const std::function<void()>& f, std::string* said = nullptr) {
  try {
    f();
  } catch (const Error& e) {
    if (said) *said = e.what();
    return e.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return Code::internal;
}

TEST(Backup, IsAStoreOfItsOwnThatOnlyItsOwnerCanRead) {
  Store s;
  s.add_volume(s.alice);
  TemporaryDirectory to;
  const auto bytes = s.database.backup(to / "vbs.db");
  EXPECT_EQ(bytes, fs::file_size(to / "vbs.db"));
  struct stat status {};
  ASSERT_EQ(::stat((to / "vbs.db").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(std::distance(fs::directory_iterator(to.path()), {}), 1) << "nothing else is left there";
  Database copy(to.path());
  copy.read([&](Session& db) { EXPECT_EQ(store::list_volumes(db, {}).size(), 1u); });
}

TEST(Backup, DoesNotWriteOverAFileAndLeavesNothingBehindWhereItFails) {
  Store s;
  TemporaryDirectory to;
  std::ofstream(to / "taken") << "precious";
  std::string said;
  EXPECT_EQ(code_of([&] { s.database.backup(to / "taken"); }, &said), Code::conflict);
  EXPECT_NE(said.find("exists already"), std::string::npos) << said;
  EXPECT_EQ(fs::file_size(to / "taken"), 8u);
  EXPECT_EQ(code_of([&] { s.database.backup(to / "absent/file"); }), Code::unavailable);
  EXPECT_EQ(std::distance(fs::directory_iterator(to.path()), {}), 1);
}

TEST(Backup, TakenWhileOthersWriteHasEachTransactionWhollyOrNotAtAll) {
  Store s;
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop)
      s.database.writer().transact([&](store::Tx& tx) {
        for (int i = 0; i < 2; ++i) store::insert_volume(tx, s.new_volume(s.alice));
      });
  });
  TemporaryDirectory to;
  for (int i = 0; i < 5; ++i) {
    const auto file = to / ("b" + std::to_string(i));
    s.database.backup(file);
    EXPECT_EQ(volumes_in(file) % 2, 0);
  }
  stop = true;
  writer.join();
}

constexpr const char* kFirst = "CREATE TABLE t (n BIGINT NOT NULL); INSERT INTO t VALUES (7);";
constexpr const char* kSecond = "ALTER TABLE t ADD COLUMN m BIGINT NOT NULL DEFAULT 1;";

TEST(Migration, OfAnOlderStoreKeepsACopyOfItAsItWas) {
  TemporaryDirectory dir;
  const auto db = dir / "vbs.db", copy = dir / "vbs.db.before-v2";
  const char* const one[] = {kFirst};
  const char* const two[] = {kFirst, kSecond};
  store::migrate(db, one);
  EXPECT_FALSE(fs::exists(dir / "vbs.db.before-v1")) << "a new store has nothing to lose";
  store::migrate(db, two);
  EXPECT_EQ(Session(db, Session::Access::read_only).number("SELECT n + m FROM t"), 8);
  EXPECT_EQ(Session(copy, Session::Access::read_only).number("PRAGMA user_version"), 1);
  EXPECT_EQ(Session(copy, Session::Access::read_only).number("SELECT n FROM t"), 7);
  fs::remove(copy);
  store::migrate(db, two);
  EXPECT_FALSE(fs::exists(copy)) << "a store of this version is left alone";
}

TEST(Migration, ThatFailsLeavesTheStoreAsItWasAndCanBeRepeated) {
  TemporaryDirectory dir;
  const auto db = dir / "vbs.db";
  const char* const one[] = {kFirst};
  const char* const bad[] = {kFirst, kSecond, "INSERT INTO absent VALUES (1);"};
  const char* const good[] = {kFirst, kSecond, "INSERT INTO t VALUES (1, 1);"};
  store::migrate(db, one);
  std::string said;
  EXPECT_EQ(code_of([&] { store::migrate(db, bad); }, &said), Code::internal);
  EXPECT_NE(said.find("is unchanged"), std::string::npos) << said;
  EXPECT_EQ(Session(db, Session::Access::read_only).number("PRAGMA user_version"), 1);
  store::migrate(db, good);
  EXPECT_EQ(Session(db, Session::Access::read_only).number("SELECT count(m) FROM t"), 2);
}
}  // namespace
}  // namespace vbs::test
