// A small local CA, so that a test bed or a single site needs no other tool: `vbs ca` is its command line.
//
//   CertificateAuthority::init("/etc/vbs/ca", "Site CA");
//   CertificateAuthority ca("/etc/vbs/ca");
//   auto alice = ca.issue({.kind = CertificateKind::user, .subject = "CN=alice,O=VBS"});
//
// Keys are EC P-256, signatures SHA-256, serial numbers 128 random bits (so no counter file and no lock). Profiles
// follow RFC 5280; the kinds are those of certificate_kind.hpp. There are no revocation lists: certificates live for a
// short time, and who has to go at once is kept out by a new CA. Errors: Error(invalid) names the field;
// Error(not_found | conflict | unavailable) the file. Not thread-safe per object.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/identity/certificate_kind.hpp"
#include "core/identity/openssl_handles.hpp"
#include "core/base/durable_file.hpp"

namespace vbs {

constexpr int kCaYears = 10;
constexpr int kMaxCertificateDays = 825;  // longest life that common TLS clients still accept for a server

struct CertificateOrder {
  CertificateKind kind = CertificateKind::user;
  std::string subject;  // any text that canonical_subject() takes; may be empty with a request: then its own
  std::vector<std::string> dns_names;  // server, delegate: the first name given (DNS, then IP) is the role's name
  std::vector<std::string> ip_addresses;
  int days = 90;  // 1..kMaxCertificateDays; cut at the CA's own end
};

struct KeyAndCertificate {
  std::string key_pem;
  std::string certificate_pem;
};

class CertificateAuthority {
 public:
  // Makes `directory` (0700) with ca.pem and ca-key.pem (0600). Throws Error(conflict) where there is a CA already,
  // unless told to replace: every certificate that the old one signed is then worthless.
  static void init(const std::filesystem::path& directory, std::string_view common_name,
                   IfExists if_exists = IfExists::refuse);

  explicit CertificateAuthority(
      const std::filesystem::path& directory);  // checks that key and certificate belong together

  // The request's own signature is checked, its extensions are ignored: what a certificate may do is the order's
  // matter.
  std::string sign(std::string_view request_pem, CertificateOrder order) const;
  KeyAndCertificate issue(const CertificateOrder& order) const;
  const std::string& certificate_pem() const { return certificate_pem_; }

 private:
  std::string sign_key(EVP_PKEY* key, const CertificateOrder& order) const;
  std::string certificate_pem_;
  CertificatePtr certificate_;
  KeyPtr key_;
};

struct KeyAndRequest {
  std::string key_pem;
  std::string request_pem;
};
// A new key and a signing request for it, where the key is to be used: then it never travels.
KeyAndRequest make_request(std::string_view subject);

}  // namespace vbs
