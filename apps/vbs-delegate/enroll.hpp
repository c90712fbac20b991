// `vbs-delegate enroll`: a key made here, its certificate from vbsd, by a one-time token.
#pragma once
#include <string>

namespace vbs {

// Writes key.pem, cert.pem and ca.pem into `directory`, over nothing that is there. `server`: "https://HOST:PORT". The
// service is known by the fingerprint in the token, so no CA is needed before. Throws Error.
void enroll(const std::string& server, const std::string& token, const std::string& directory);

}  // namespace vbs
