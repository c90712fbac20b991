// Delegates get their certificates from the service, where that has the CA's key (delegate_ca in its configuration).
#pragma once
#include <string>

#include "core/service/core.hpp"

namespace vbs {

// Operators only. The token, for an hour and one use. Error(not_found) for a delegate that is not configured,
// Error(not_supported) without delegate_ca.
std::string issue_delegate_token(Core&, const Caller&, const std::string& delegate);

struct EnrolledDelegate {
  std::string name, certificate_pem, ca_pem;
};
// For whoever has a token: there is no caller. `secret` is the token's first part, `request` the signing request (PKCS
// #10, DER) in base64 without line ends, which JSON texts of ours do not have; its subject is not used.
// Error(unauthenticated) for the token, Error(invalid) for the request; the token is used up either way.
EnrolledDelegate enroll_delegate(Core&, const std::string& secret, const std::string& request,
                                 const std::string& request_id);

}  // namespace vbs
