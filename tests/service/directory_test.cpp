#include "core/identity/directory.hpp"

#include <gtest/gtest.h>

#include "core/base/ids.hpp"
#include "tests/support/test_core.hpp"

namespace vbs::test {
namespace {
constexpr const char* kCa = "CN=CA,O=VBS";

struct Users : testing::Test {
  TemporaryDirectory dir;
  store::Database database{dir.path()};
  Directory directory{database, {"cn=root, o=VBS"}};

  Principal user(const std::string& subject, const std::string& issuer = kCa) {
    return directory.from_certificate(subject, issuer, {});
  }
  long long count() {
    return database.read([](store::Session& db) { return db.number("SELECT count(*) FROM users"); });
  }
};

TEST_F(Users, ACertificateOfAServerOrDelegateIsNoUser) {
  for (const auto* san : {"vbs:server:node1", "vbs:delegate:node1", "vbs:something-new", "vbs:userx"}) {
    const auto e = error_of([&] { directory.from_certificate("CN=node1", kCa, {"urn:x", san}); });
    EXPECT_EQ(e.code(), Code::unauthenticated) << san;
    EXPECT_NE(std::string(e.what()).find(san), std::string::npos) << e.what();
  }
  EXPECT_EQ(count(), 0);
}

TEST_F(Users, ARememberedSubjectDoesNotLetADelegatesCertificateIn) {
  user("CN=node1");
  EXPECT_EQ(error_of([&] { directory.from_certificate("CN=node1", kCa, {"vbs:delegate:node1"}); }).code(),
            Code::unauthenticated);
}

TEST_F(Users, ACertificateOfAUserOrOfAForeignKindIsOne) {
  EXPECT_FALSE(directory.from_certificate("CN=a", kCa, {"vbs:user"}).user_id.empty());
  EXPECT_FALSE(directory.from_certificate("CN=b", kCa, {"vbs:user:b"}).user_id.empty());
  EXPECT_FALSE(directory.from_certificate("CN=c", kCa, {"spiffe://x/y"}).user_id.empty());
}

TEST_F(Users, ACertificateWithoutASubjectNamesNobody) {
  EXPECT_EQ(error_of([&] { user(""); }).code(), Code::unauthenticated);
}

TEST_F(Users, AreTheSameHoweverTheirSubjectIsSpelled) {
  const auto a = user("CN=alice,O=VBS"), b = user("cn = alice, o=VBS");
  EXPECT_EQ(a.user_id, b.user_id);
  EXPECT_EQ(a.subject, "CN=alice,O=VBS");
  EXPECT_EQ(count(), 1);
}

TEST_F(Users, OfTwoCertificateAuthoritiesAreStrangersThoughTheirTextsAreEqual) {
  const auto a = user("CN=alice", "CN=CA one"), b = user("CN=alice", "CN=CA two");
  EXPECT_NE(a.user_id, b.user_id);
  EXPECT_NE(a.project_id, b.project_id);
}

TEST_F(Users, KeepTheirIdsOverARestart) {
  const auto before = user("CN=alice");
  Directory again(database, {});
  EXPECT_EQ(again.from_certificate("CN=alice", kCa, {}).user_id, before.user_id);
}

TEST_F(Users, WithAnOperatorsSubjectAreOperators) {
  EXPECT_TRUE(user("CN=root,O=VBS").is_operator);
  EXPECT_FALSE(user("CN=Root,O=VBS").is_operator) << "the case of values counts";
  EXPECT_FALSE(user("CN=root").is_operator);
}

TEST_F(Users, AGrantToASubjectThatWasNeverSeenWaitsForIt) {
  const auto alice = user("CN=alice");
  const auto announced = directory.find_or_announce(alice, "cn=carol,o=VBS");
  EXPECT_EQ(announced.subject, "CN=carol,O=VBS");
  EXPECT_EQ(user("CN=carol,O=VBS").user_id, announced.id) << "when she comes she is that user";
  EXPECT_NE(user("CN=carol,O=VBS", "CN=another CA").user_id, announced.id);
}

TEST_F(Users, AGrantToAnIdNeedsAUserWhoIsKnown) {
  const auto alice = user("CN=alice"), bob = user("CN=bob");
  EXPECT_EQ(directory.find_or_announce(alice, bob.user_id).id, bob.user_id);
  const auto e = error_of([&] { directory.find_or_announce(alice, new_uuid()); });
  EXPECT_EQ(e.code(), Code::invalid);
  EXPECT_EQ(e.field(), "user");
}

TEST_F(Users, AGrantToNonsenseIsRefusedAndNamesTheField) {
  const auto alice = user("CN=alice");
  for (const auto* text : {"", "bob", "/O=VBS/CN=bob", "CN=", "CN=a\nb"}) {
    const auto e = error_of([&] { directory.find_or_announce(alice, text); });
    EXPECT_EQ(e.code(), Code::invalid) << text;
    EXPECT_EQ(e.field(), "user") << text;
  }
  EXPECT_EQ(count(), 1);
}

TEST_F(Users, TakingAGrantBackMakesNobodyKnown) {
  EXPECT_FALSE(directory.find(user("CN=alice"), "CN=nobody"));
  EXPECT_EQ(count(), 1);
}

TEST_F(Users, AnOperatorsSubjectThatCannotBeReadStopsTheStart) {
  EXPECT_EQ(error_of([&] { Directory(database, {"not a subject"}); }).code(), Code::invalid);
}
}  // namespace
}  // namespace vbs::test
