// What a certificate or a signing request says, for people (`vbs ca show`) and for checks.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/identity/certificate_kind.hpp"

namespace vbs {

struct CertificateInfo {
  bool request = false;               // a signing request: the fields from `issuer` on are empty
  std::string subject;                // canonical (subject.hpp)
  std::string key;                    // "EC 256"
  std::string issuer;                 // canonical
  std::string serial;                 // lower-case hexadecimal
  std::string not_before, not_after;  // UTC, RFC 3339
  bool expired = false;
  bool authority = false;
  std::optional<CertificateRole> role;  // none: not one of ours, or contradictory
  std::vector<std::string> usages;      // clientAuth, serverAuth, ...
  std::vector<std::string> names;       // "DNS:localhost", "IP:127.0.0.1", "URI:vbs:user"
  std::string fingerprint;              // SHA-256 of the DER, hexadecimal
};

// Of the first certificate or request in the text. Throws Error(invalid).
CertificateInfo describe_certificate(std::string_view pem);

}  // namespace vbs
