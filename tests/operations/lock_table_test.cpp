#include "core/operations/lock_table.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace vbs {
namespace {
using Owners = std::vector<std::string>;
const LockRequest kExclusive{"x", true}, kShared{"x", false};

TEST(LockTable, LetsAnyNumberShareAndOneAlone) {
  LockTable t;
  EXPECT_TRUE(t.acquire("a", {kShared}));
  EXPECT_TRUE(t.acquire("b", {kShared}));
  EXPECT_FALSE(t.acquire("c", {kExclusive}));
  EXPECT_TRUE(t.release("a").empty());
  EXPECT_EQ(t.release("b"), Owners{"c"});
  EXPECT_TRUE(t.holds("c"));
}

TEST(LockTable, GrantsInTheOrderOfAsking) {
  LockTable t;
  t.acquire("a", {kExclusive});
  for (const auto* o : {"b", "c", "d"}) EXPECT_FALSE(t.acquire(o, {kExclusive}));
  EXPECT_EQ(t.release("a"), Owners{"b"});
  EXPECT_EQ(t.release("b"), Owners{"c"});
  EXPECT_EQ(t.release("c"), Owners{"d"});
}

TEST(LockTable, AReaderDoesNotOvertakeAWriterThatWaits) {
  LockTable t;
  t.acquire("reader", {kShared});
  EXPECT_FALSE(t.acquire("writer", {kExclusive}));
  EXPECT_FALSE(t.acquire("late reader", {kShared})) << "the writer would wait for ever";
  EXPECT_EQ(t.release("reader"), Owners{"writer"});
  EXPECT_EQ(t.release("writer"), Owners{"late reader"});
}

TEST(LockTable, ReleasesAllReadersBehindAWriterAtOnceInOrder) {
  LockTable t;
  t.acquire("writer", {kExclusive});
  for (const auto* o : {"r1", "r2", "r3"}) t.acquire(o, {kShared});
  t.acquire("next writer", {kExclusive});
  t.acquire("r4", {kShared});
  EXPECT_EQ(t.release("writer"), (Owners{"r1", "r2", "r3"}));
  EXPECT_FALSE(t.holds("r4"));
}

TEST(LockTable, GivesAllOfAnOwnersLocksOrNone) {
  LockTable t;
  t.acquire("a", {{"x", true}});
  t.acquire("b", {{"y", true}});
  EXPECT_FALSE(t.acquire("c", {{"x", true}, {"y", true}}));
  EXPECT_TRUE(t.release("a").empty()) << "y is still taken";
  EXPECT_EQ(t.release("b"), Owners{"c"});
}

TEST(LockTable, TwoThatNameTheSameObjectsInAnotherOrderDoNotWaitForEachOther) {
  LockTable t;
  t.acquire("first", {{"x", true}});
  t.acquire("a", {{"x", true}, {"y", true}});
  t.acquire("b", {{"y", true}, {"x", true}});
  EXPECT_EQ(t.release("first"), Owners{"a"});
  EXPECT_EQ(t.release("a"), Owners{"b"});
}

TEST(LockTable, AnOwnerMayNameAnObjectTwice) {
  LockTable t;
  EXPECT_TRUE(t.acquire("a", {kShared, kExclusive}));
  EXPECT_FALSE(t.acquire("b", {kShared}));
  EXPECT_EQ(t.release("a"), Owners{"b"});
}

TEST(LockTable, LeavingAQueueLetsThoseBehindPass) {
  LockTable t;
  t.acquire("reader", {kShared});
  t.acquire("writer", {kExclusive});
  t.acquire("late reader", {kShared});
  EXPECT_EQ(t.release("writer"), Owners{"late reader"}) << "it gave up waiting";
  EXPECT_TRUE(t.release("writer").empty()) << "twice is no harm";
}

TEST(LockTable, NamesThoseWhoAreInTheWayAndNobodyElse) {
  LockTable t;
  t.acquire("r1", {kShared});
  t.acquire("r2", {kShared});
  t.acquire("other", {{"y", true}});
  t.acquire("w", {kExclusive});
  t.acquire("r3", {kShared});
  EXPECT_EQ(t.blockers("w"), (std::set<std::string>{"r1", "r2"}));
  EXPECT_EQ(t.blockers("r3"), (std::set<std::string>{"w"}));
  EXPECT_TRUE(t.blockers("r1").empty());
  EXPECT_TRUE(t.blockers("stranger").empty());
}

TEST(LockTable, NeverHasTwoWritersWhateverTheThreadsDo) {
  LockTable t;
  std::atomic<int> inside{0};
  std::vector<std::thread> threads;
  for (int n = 0; n < 4; ++n)
    threads.emplace_back([&, n] {
      for (int i = 0; i < 200; ++i) {
        const auto owner = std::to_string(n) + "/" + std::to_string(i);
        t.acquire(owner, {kExclusive, {"y" + std::to_string(n), false}});
        while (!t.holds(owner)) std::this_thread::yield();
        EXPECT_EQ(++inside, 1);
        --inside;
        t.release(owner);
      }
    });
  for (auto& thread : threads) thread.join();
}
}  // namespace
}  // namespace vbs
