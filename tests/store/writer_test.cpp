#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "tests/store/rows.hpp"

namespace vbs::test {
namespace {
using store::Session;
using store::Tx;

// Keeps the writer busy until it is let go, so that what is submitted meanwhile becomes one batch.
class Busy {
 public:
  explicit Busy(store::Writer& writer) {
    writer.submit(
        [this](Tx&) {
          entered_.set_value();
          go_.get_future().wait();
        },
        [this](std::exception_ptr) { ended_.set_value(); });
    entered_.get_future().wait();
  }
  void let_go() {
    go_.set_value();
    ended_.get_future().wait();
  }

 private:
  std::promise<void> entered_, go_, ended_;
};

TEST(Writer, MakesWhateverWaitsDurableWithOneCommit) {
  Store s;
  Session other(s.dir / "vbs.db", Session::Access::read_only);
  const auto users = [&] { return other.number("SELECT count(*) FROM projects"); };
  const auto before = users();
  Busy busy(s.database.writer());
  std::vector<long long> seen_at_end;
  std::promise<void> last;
  for (int i = 0; i < 50; ++i)
    s.database.writer().submit([i](Tx& tx) { store::ensure_user(tx, "x509", "CN=CA", "CN=u" + std::to_string(i)); },
                               [&, i](std::exception_ptr e) {
                                 EXPECT_FALSE(e);
                                 seen_at_end.push_back(users() - before);
                                 if (i == 49) last.set_value();
                               });
  EXPECT_EQ(users(), before);
  busy.let_go();
  last.get_future().wait();
  EXPECT_EQ(seen_at_end, std::vector<long long>(50, 50)) << "the first one told already sees the last one's row";
}

TEST(Writer, UndoesOnlyTheTransactionWhoseBodyThrows) {
  Store s;
  Busy busy(s.database.writer());
  std::vector<std::string> outcome(3);
  std::promise<void> last;
  for (int i = 0; i < 3; ++i)
    s.database.writer().submit(
        [&, i](Tx& tx) {
          store::ensure_user(tx, "x509", "CN=CA", "CN=u" + std::to_string(i));
          tx.after_commit([&, i] { outcome[i] = "committed"; });
          tx.after_rollback([&, i] { outcome[i] = "undone"; });
          if (i == 1) throw Error(Code::conflict, "no");
        },
        [&, i](std::exception_ptr e) {
          EXPECT_EQ(e != nullptr, i == 1);
          if (i == 2) last.set_value();
        });
  busy.let_go();
  last.get_future().wait();
  EXPECT_EQ(outcome, (std::vector<std::string>{"committed", "undone", "committed"}));
  EXPECT_EQ(s.number("SELECT count(*) FROM users WHERE subject IN ('CN=u0', 'CN=u2')"), 2);
  EXPECT_EQ(s.number("SELECT count(*) FROM users WHERE subject = 'CN=u1'"), 0);
}

TEST(Writer, FailsTheWholeBatchWhenTheCommitIsNotPossibleAndGoesOnAfterwards) {
  Store s;
  s.database.writer().transact([](Tx& tx) { tx.db.script("PRAGMA busy_timeout = 1"); });
  Session other(s.dir / "vbs.db", Session::Access::read_write);
  other.run("BEGIN IMMEDIATE");
  bool undone = false;
  EXPECT_THROW(s.database.writer().transact([&](Tx& tx) {
    tx.after_rollback([&] { undone = true; });
    store::ensure_user(tx, "x509", "CN=CA", "CN=x");
  }),
               store::StoreFailure);
  EXPECT_FALSE(undone) << "the body had not even begun";
  other.run("ROLLBACK");
  s.database.writer().transact([&](Tx& tx) { store::ensure_user(tx, "x509", "CN=CA", "CN=x"); });
  EXPECT_EQ(s.number("SELECT count(*) FROM users WHERE subject = 'CN=x'"), 1);
}

TEST(Writer, ReportsAFullDiskAsAFailureOfTheStoreAndRecovers) {
  Store s;
  s.database.writer().transact([](Tx& tx) { tx.db.script("PRAGMA max_page_count = 1"); });  // = as many as there are
  const auto fill = [](Tx& tx) {
    for (int i = 0; i < 2000; ++i)
      store::ensure_user(tx, "x509", "CN=CA", "CN=" + std::string(200, 'x') + std::to_string(i));
  };
  bool undone = false;
  EXPECT_THROW(s.database.writer().transact([&](Tx& tx) {
    tx.after_rollback([&] { undone = true; });
    fill(tx);
  }),
               store::StoreFailure);
  EXPECT_TRUE(undone);
  EXPECT_EQ(s.number("SELECT count(*) FROM users"), 2);
  s.database.writer().transact([](Tx& tx) { tx.db.script("PRAGMA max_page_count = 1000000"); });
  s.database.writer().transact(fill);
  EXPECT_EQ(s.number("SELECT count(*) FROM users"), 2002);
}

TEST(Writer, TellsTheInnocentOfABatchThatTheStoreFailedToo) {
  Store s;
  s.database.writer().transact([](Tx& tx) { tx.db.script("PRAGMA max_page_count = 1"); });
  Busy busy(s.database.writer());
  int store_failures = 0;
  std::promise<void> last;
  for (int i = 0; i < 3; ++i)
    s.database.writer().submit(
        [i](Tx& tx) {
          for (int n = 0; i == 1 && n < 2000; ++n) store::ensure_user(tx, "x509", "CN=CA", "CN=" + std::to_string(n));
        },
        [&, i](std::exception_ptr e) {
          try {
            if (e) std::rethrow_exception(e);
          } catch (const store::StoreFailure&) {
            ++store_failures;
          } catch (const std::exception& other) {
            ADD_FAILURE() << other.what();
          }
          if (i == 2) last.set_value();
        });
  busy.let_go();
  last.get_future().wait();
  EXPECT_EQ(store_failures, 3);
}

TEST(Writer, CommitsWhatIsQueuedBeforeItStopsAndRefusesLaterOnes) {
  Store s;
  auto& writer = s.database.writer();
  std::promise<void> told;
  {
    Busy busy(writer);
    writer.submit([](Tx& tx) { store::ensure_user(tx, "x509", "CN=CA", "CN=late"); },
                  [&](std::exception_ptr e) {
                    EXPECT_FALSE(e);
                    told.set_value();
                  });
    std::thread stopper([&] { writer.stop(); });
    busy.let_go();
    stopper.join();
  }
  told.get_future().wait();
  EXPECT_EQ(s.number("SELECT count(*) FROM users WHERE subject = 'CN=late'"), 1);
  try {
    writer.transact([](Tx&) {});
    ADD_FAILURE() << "a stopped writer took a transaction";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::unavailable);
  }
}

TEST(Writer, TakesTransactionsFromManyThreads) {
  Store s;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i)
        s.database.writer().transact([&](Tx& tx) {
          store::ensure_user(tx, "x509", "CN=CA", "CN=" + std::to_string(t) + "-" + std::to_string(i));
        });
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(s.number("SELECT count(*) FROM users"), 202);
}
}  // namespace
}  // namespace vbs::test
