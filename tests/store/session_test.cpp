#include <gtest/gtest.h>

#include "tests/store/rows.hpp"

namespace vbs::test {
namespace {
using store::Session;
using store::Tx;

TEST(Session, AKeptSelectDoesNotPinWhatItReadLast) {
  Store s;
  Session reader(s.dir / "vbs.db", Session::Access::read_only);
  const auto users = [&] { return reader.number("SELECT count(*) FROM users"); };
  ASSERT_EQ(users(), 2);
  s.database.writer().transact([](Tx& tx) { store::ensure_user(tx, "x509", "CN=CA", "CN=new"); });
  EXPECT_EQ(users(), 3) << "the kept statement still shows the old state";
  // A pinned snapshot would keep the log from being truncated, and answer busy = 1.
  s.database.writer().transact([](Tx&) {});
  Session checkpointer(s.dir / "vbs.db", Session::Access::read_write);
  long long busy = -1;
  checkpointer.each<long long, long long, long long>("PRAGMA wal_checkpoint(TRUNCATE)",
                                                     [&](long long b, long long, long long) { busy = b; });
  EXPECT_EQ(busy, 0);
}

TEST(Session, AReaderThatIsLeftInTheMiddleOfARowSetDoesNotPinEither) {
  Store s;
  Session reader(s.dir / "vbs.db", Session::Access::read_only);
  EXPECT_THROW(reader.each<std::string>("SELECT id FROM users",
                                        [](const std::string&) { throw Error(Code::internal, "enough"); }),
               Error);
  s.database.writer().transact([](Tx& tx) { store::ensure_user(tx, "x509", "CN=CA", "CN=new"); });
  int rows = 0;
  reader.each<std::string>("SELECT id FROM users", [&](const std::string&) { ++rows; });
  EXPECT_EQ(rows, 3);
}

TEST(Session, KeepsOneStatementPerTextWhateverItsParametersAre) {
  Store s;
  Session db(s.dir / "vbs.db", Session::Access::read_only);
  EXPECT_EQ(db.number("SELECT count(*) FROM users WHERE subject = ?", std::string("CN=alice")), 1);
  EXPECT_EQ(db.number("SELECT count(*) FROM users WHERE subject = ?", "CN=nobody"), 0);
  EXPECT_EQ(db.number("SELECT count(*) FROM users WHERE subject = ?", 7), 0) << "the same text with another type";
  EXPECT_EQ(db.number("SELECT count(*) FROM users WHERE subject = ?", std::string("CN=bob")), 1);
}

TEST(Session, SaysUniqueViolationWhereARowIsThereAlready) {
  Store s;
  const auto v = s.new_volume(s.alice);
  s.database.writer().transact([&](Tx& tx) { store::insert_volume(tx, v); });
  EXPECT_THROW(s.database.writer().transact([&](Tx& tx) { store::insert_volume(tx, v); }), store::UniqueViolation);
}

TEST(Session, RefusesAStatementWithTheWrongNumberOfParameters) {
  Store s;
  Session db(s.dir / "vbs.db", Session::Access::read_only);
  EXPECT_THROW(db.number("SELECT count(*) FROM users WHERE id = ?"), Error);
}

TEST(Session, AWrongStatementIsNotMistakenForAFailingStore) {
  Store s;
  Session db(s.dir / "vbs.db", Session::Access::read_only);
  try {
    db.run("SELECT nothing FROM nowhere");
    ADD_FAILURE() << "the statement was taken";
  } catch (const store::StoreFailure& e) {
    ADD_FAILURE() << "it would be tried again for ever: " << e.what();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::internal);
  }
}

TEST(Session, AnErrorNeverShowsTheValuesOfItsParameters) {
  Store s;
  const auto v = s.add_volume(s.alice);
  store::ExportRow e;
  e.id = "e1";
  e.volume_id = v;
  e.host_id = "no such host";
  e.secret = "hunter2";
  try {
    s.database.writer().transact([&](Tx& tx) { store::put_export(tx, e); });
    ADD_FAILURE() << "an export for a host that does not exist";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find("hunter2"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("FOREIGN KEY"), std::string::npos) << error.what();
  }
}

TEST(Session, AReadOnlyOneCannotWrite) {
  Store s;
  EXPECT_THROW(s.database.read([](Session& db) { db.run("DELETE FROM users"); }), Error);
  EXPECT_EQ(s.number("SELECT count(*) FROM users"), 2);
}

TEST(Session, CarriesNumbersOf64BitsAndTextWithQuotesUnchanged) {
  Store s;
  auto v = s.new_volume(s.alice, "it's \"x\"; DROP TABLE volumes; -- \xc3\xa9");
  v.size_bytes = 64ll << 40;
  s.database.writer().transact([&](Tx& tx) { store::insert_volume(tx, v); });
  EXPECT_EQ(s.volume(v.id).name, v.name);
  EXPECT_EQ(s.volume(v.id).size_bytes, 64ll << 40);
}
}  // namespace
}  // namespace vbs::test
