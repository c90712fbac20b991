// One-time tokens with which a delegate gets its first certificate (`vbs delegates enroll`): valid for an hour, once,
// for one name. Of a token no more than its hash is kept, in a file of its own: who reads the directory cannot enroll.
//
// A token is SECRET.FINGERPRINT, both hexadecimal: the second part is the SHA-256 of the service's certificate, so that
// the node knows whom it talks to before it has any CA.
//
// Threading: any thread. Errors: Error(unavailable) with the system's reason.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace vbs {

constexpr int64_t kEnrollmentUs = 3600ll * 1000000;

struct EnrollmentToken {
  std::string secret, fingerprint;
  std::string text() const { return secret + "." + fingerprint; }
};
EnrollmentToken parse_enrollment_token(std::string_view text);  // Error(invalid)

class Enrollments {
 public:
  explicit Enrollments(std::string directory) : directory_(std::move(directory)) {}
  // `certificate_pem`: the service's. An earlier token for the name stays valid.
  EnrollmentToken issue(const std::string& delegate, std::string_view certificate_pem, int64_t now_us) const;
  // The delegate's name; the token is used up, whatever comes after. Error(unauthenticated), the same for one that
  // never was, is over, or was used.
  std::string redeem(std::string_view secret, int64_t now_us) const;

 private:
  std::string file_of(std::string_view secret) const;
  const std::string directory_;
};

}  // namespace vbs
