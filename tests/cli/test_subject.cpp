#include <gtest/gtest.h>

#include "core/identity/subject.hpp"

namespace vbs {
namespace {

void expect_refused(std::string_view text, const std::string& why) {
  try {
    const auto canonical = canonical_subject(text);
    FAIL() << "taken as " << canonical;
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::invalid);
    EXPECT_EQ(e.field(), "subject");
    EXPECT_NE(std::string(e.what()).find(why), std::string::npos) << e.what();
  }
}

NamePtr name_of(std::initializer_list<std::tuple<const char*, int, std::string>> entries) {
  NamePtr name(X509_NAME_new());
  for (const auto& [type, kind, value] : entries) {
    std::unique_ptr<ASN1_OBJECT, OpensslFree<ASN1_OBJECT_free>> object(OBJ_txt2obj(type, 0));
    X509_NAME_add_entry_by_OBJ(name.get(), object.get(), kind, reinterpret_cast<const unsigned char*>(value.data()),
                               static_cast<int>(value.size()), -1, 0);
  }
  return name;
}

TEST(Subject, IsWrittenMostSpecificPartFirst) {
  const auto name = name_of({{"O", V_ASN1_UTF8STRING, "VBS"}, {"CN", V_ASN1_UTF8STRING, "alice"}});
  EXPECT_EQ(canonical_subject(name.get()), "CN=alice,O=VBS");
}

TEST(Subject, SpacesAndTheCaseOfTypesDoNotMatterButTheCaseOfValuesDoes) {
  EXPECT_EQ(canonical_subject(" cn = alice , o=VBS "), "CN=alice,O=VBS");
  EXPECT_EQ(canonical_subject("EMAILADDRESS=a@b.example,uid=x"), "emailAddress=a@b.example,UID=x");
  EXPECT_NE(canonical_subject("CN=Alice"), canonical_subject("CN=alice"));
}

TEST(Subject, TheStringTypeInTheCertificateDoesNotMakeAnotherPerson) {
  const auto printable = name_of({{"CN", V_ASN1_PRINTABLESTRING, "alice"}});
  const auto utf8 = name_of({{"CN", V_ASN1_UTF8STRING, "alice"}});
  EXPECT_EQ(canonical_subject(printable.get()), canonical_subject(utf8.get()));
}

TEST(Subject, ACommaInsideAValueNeverLooksLikeASecondPart) {
  const auto name = name_of({{"CN", V_ASN1_UTF8STRING, "alice,O=VBS"}});
  const auto canonical = canonical_subject(name.get());
  EXPECT_EQ(canonical, "CN=alice\\,O=VBS");
  EXPECT_NE(canonical, canonical_subject("CN=alice,O=VBS"));
  EXPECT_EQ(canonical_subject(canonical), canonical);
}

TEST(Subject, EveryWayToEscapeGivesTheSameText) {
  EXPECT_EQ(canonical_subject("CN=J\\C3\\BCrgen"), "CN=J\xc3\xbcrgen");
  EXPECT_EQ(canonical_subject("CN=a\\2cb"), "CN=a\\,b");
  EXPECT_EQ(canonical_subject("CN=\\ a\\ "), "CN=\\ a\\ ");
  EXPECT_EQ(canonical_subject("CN=#0c05616c696365"), "CN=alice");
  EXPECT_EQ(canonical_subject("CN=\\#1"), "CN=\\#1");
  EXPECT_EQ(canonical_subject("2.5.4.3=alice"), "CN=alice");
}

TEST(Subject, AnUnknownAttributeIsItsOidAndDer) {
  EXPECT_EQ(canonical_subject("1.2.3.4=a"), "1.2.3.4=#0c0161");
  EXPECT_EQ(canonical_subject("1.2.3.4=#0C0161"), "1.2.3.4=#0c0161");
  const auto name = name_of({{"1.2.3.4", V_ASN1_UTF8STRING, "a"}});
  EXPECT_EQ(canonical_subject(name.get()), "1.2.3.4=#0c0161");
}

TEST(Subject, PartsOfOneRdnAreSorted) {
  EXPECT_EQ(canonical_subject("UID=7+CN=alice,O=VBS"), "CN=alice+UID=7,O=VBS");
  EXPECT_EQ(canonical_subject(make_name("UID=7+CN=alice,O=VBS").get()), "CN=alice+UID=7,O=VBS");
}

TEST(Subject, AZeroByteOrAnotherControlCharacterIsRefused) {
  expect_refused("CN=alice\\00.example.org", "control character");
  expect_refused("CN=a\nb", "control character");
  expect_refused("CN=a\xc2\x9b", "control character");  // C1: CSI on many terminals
  const auto name = name_of({{"CN", V_ASN1_UTF8STRING, std::string("alice\0x", 7)}});
  EXPECT_THROW(canonical_subject(name.get()), Error);
}

TEST(Subject, WhatIsNotRfc4514IsRefusedWithTheReason) {
  expect_refused("", "has no '='");
  expect_refused("alice", "has no '='");
  expect_refused("/O=VBS/CN=alice", "begins with a slash");
  expect_refused("CN=", "empty value");
  expect_refused("CN=alice,", "has no '='");
  expect_refused("NOSUCH=alice", "unknown attribute");
  expect_refused("CN=a\\qb", "escapes nothing");
  expect_refused("CN=\"a\"", "needs a '\\'");
  expect_refused("CN=#zz", "hexadecimal");
  expect_refused("CN=#0201", "not DER");
  expect_refused("CN=#020101", "not a text");
  expect_refused("CN=\xff", "valid text");
}

TEST(Subject, LimitsAreNamed) {
  expect_refused("CN=" + std::string(256, 'a'), "limit is 255");
  expect_refused("O=" + std::string(250, 'a') + ",OU=" + std::string(250, 'b') + ",L=" + std::string(50, 'c'),
                 "limit is 512");
  std::string many = "CN=a";
  for (int i = 0; i < 16; ++i) many += ",O=a";
  expect_refused(many, "limit is 16");
}

TEST(Subject, ANameMadeForSigningReadsBackAsTheSameText) {
  for (const char* text :
       {"CN=alice,O=VBS", "CN=a\\,b,OU=x,O=VBS,C=DE", "CN=J\xc3\xbcrgen,DC=example,DC=org", "UID=a\\+b"}) {
    EXPECT_EQ(canonical_subject(make_name(text).get()), text);
  }
  EXPECT_THROW(make_name("CN=alice,C=Germany"), Error);  // a country has two letters
}
}  // namespace
}  // namespace vbs
