#include "core/identity/enrollment.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/base/error.hpp"
#include "core/identity/certificate_authority.hpp"
#include "core/identity/certificate_info.hpp"
#include "tests/support/temporary_directory.hpp"

namespace vbs::test {
namespace {
constexpr int64_t kNow = 1'000'000'000;

class Enrollment : public testing::Test {
 protected:
  Enrollment() : enrollments_(dir_ / "tokens") {
    CertificateAuthority::init(dir_ / "ca", "CA");
    pem_ = CertificateAuthority(dir_ / "ca").certificate_pem();
  }
  EnrollmentToken issue(const std::string& name = "stor 1") { return enrollments_.issue(name, pem_, kNow); }
  void refused(const std::string& secret, int64_t now = kNow) {
    try {
      enrollments_.redeem(secret, now);
      ADD_FAILURE() << "it was taken";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), Code::unauthenticated);
    }
  }
  TemporaryDirectory dir_;
  Enrollments enrollments_;
  std::string pem_;
};

TEST_F(Enrollment, is_for_the_name_that_the_token_was_made_for_and_for_one_use) {
  const auto token = issue();
  EXPECT_EQ(enrollments_.redeem(token.secret, kNow), "stor 1");
  refused(token.secret);
}

TEST_F(Enrollment, is_over_after_an_hour) {
  const auto token = issue();
  refused(token.secret, kNow + kEnrollmentUs + 1);
  refused(token.secret);  // and used up
}

TEST_F(Enrollment, takes_no_secret_that_was_never_made_or_is_a_path) {
  issue();
  refused(std::string(64, '0'));
  refused("");
  refused("../ca/ca.pem");
}

TEST_F(Enrollment, keeps_a_hash_of_the_secret_alone_in_files_for_the_owner) {
  const auto token = issue();
  for (const auto& file : std::filesystem::directory_iterator(dir_ / "tokens")) {
    std::ostringstream text;
    text << file.path() << std::ifstream(file.path()).rdbuf();
    EXPECT_EQ(text.str().find(token.secret), std::string::npos);
    EXPECT_EQ(file.status().permissions(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
}

TEST_F(Enrollment, names_the_service_by_the_fingerprint_of_its_certificate) {
  EXPECT_EQ(issue().fingerprint, describe_certificate(pem_).fingerprint);
  const auto again = parse_enrollment_token(issue().text());
  EXPECT_EQ(again.fingerprint, describe_certificate(pem_).fingerprint);
}

TEST_F(Enrollment, does_not_take_half_a_token) {
  const auto whole = issue().text();
  for (const auto& text : {std::string(), whole.substr(1), whole.substr(0, 64), whole + "0", std::string(129, '.')})
    EXPECT_THROW(parse_enrollment_token(text), Error) << text;
}
}  // namespace
}  // namespace vbs::test
