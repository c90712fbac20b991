#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/store/rows.hpp"

namespace vbs::test {
namespace {
using store::Database;
using store::Session;
using store::Tx;

std::string refusal(const std::string& dir, Code code) {
  try {
    Database again(dir);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "the store was opened";
  return "";
}

TEST(Database, ASecondOneOnTheSameDirectoryIsToldThatAnotherWorksThere) {
  Store s;
  const auto said = refusal(s.dir.path(), Code::conflict);
  EXPECT_NE(said.find("another vbsd works on " + s.dir.path()), std::string::npos) << said;
  EXPECT_NE(said.find("data_dir"), std::string::npos) << said;
}

TEST(Database, MayBeOpenedAgainAfterTheFirstHasClosed) {
  TemporaryDirectory dir;
  std::string id;
  {
    Database first(dir.path());
    first.writer().transact([&](Tx& tx) { id = store::ensure_user(tx, "x509", "CN=CA", "CN=alice").id; });
  }
  Database second(dir.path());
  second.writer().transact(
      [&](Tx& tx) { EXPECT_EQ(store::ensure_user(tx, "x509", "CN=CA", "CN=alice").id, id) << "ids are kept"; });
}

TEST(Database, OneOfANewerVersionIsRefusedAndGivenBack) {
  TemporaryDirectory dir;
  { Database made(dir.path()); }
  Session(dir / "vbs.db", Session::Access::read_write).script("PRAGMA user_version = 999");
  const auto said = refusal(dir.path(), Code::invalid);
  EXPECT_NE(said.find("999"), std::string::npos) << said;
  EXPECT_NE(said.find("newer vbsd"), std::string::npos) << said;
  // The refusal holds neither the lock nor a changed umask.
  Session(dir / "vbs.db", Session::Access::read_write)
      .script("PRAGMA user_version = " + std::to_string(store::kSchemaVersion));
  Database again(dir.path());
}

TEST(Database, ARefusedStartLeavesTheUmaskAsItWas) {
  const mode_t before = ::umask(0027);
  refusal("/nonexistent/vbs", Code::unavailable);
  Store s;
  refusal(s.dir.path(), Code::conflict);
  EXPECT_EQ(::umask(before), 0027u);
}

TEST(Database, ItsFilesAreForNobodyElse) {
  Store s;
  for (const auto* name : {"vbs.db", "vbs.db-wal", "vbs.lock"}) {
    struct stat st {};
    ASSERT_EQ(::stat((s.dir / name).c_str(), &st), 0) << name;
    EXPECT_EQ(st.st_mode & 0077, 0u) << name;
  }
}

TEST(Database, AMissingDirectoryIsNamed) {
  const auto said = refusal("/nonexistent/vbs", Code::unavailable);
  EXPECT_NE(said.find("/nonexistent/vbs"), std::string::npos) << said;
}

TEST(Database, ASnapshotShowsOneMomentAndARepeatedReadTheNext) {
  Store s;
  const auto count = [](Session& db) { return db.number("SELECT count(*) FROM users"); };
  s.database.snapshot([&](Session& db) {
    EXPECT_EQ(count(db), 2);
    s.database.writer().transact([](Tx& tx) { store::ensure_user(tx, "x509", "CN=CA", "CN=new"); });
    EXPECT_EQ(count(db), 2);
  });
  EXPECT_EQ(s.database.read(count), 3);
}

TEST(Database, ASnapshotThatThrowsGivesItsSessionBackUsable) {
  Store s;
  for (int i = 0; i < 10; ++i)
    EXPECT_THROW(s.database.snapshot([](Session& db) { db.run("SELECT nothing FROM nowhere"); }), Error);
  EXPECT_EQ(s.database.snapshot([](Session& db) { return db.number("SELECT count(*) FROM users"); }), 2);
}

TEST(Database, ABackEndCannotChangeItsPluginUnderItsVolumes) {
  Store s;
  try {
    s.database.writer().transact([](Tx& tx) { store::ensure_backend(tx, {"", "b", "other"}); });
    ADD_FAILURE() << "the plugin was changed";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::invalid);
    EXPECT_NE(std::string(e.what()).find("made with plugin fake"), std::string::npos) << e.what();
  }
}
}  // namespace
}  // namespace vbs::test
