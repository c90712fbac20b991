// PEM text to and from OpenSSL objects. Throws Error(invalid) for text that is not the thing asked for.
#pragma once
#include <string>
#include <string_view>

#include "core/identity/openssl_handles.hpp"

namespace vbs {

KeyPtr new_ec_key();                    // P-256
std::string key_to_pem(EVP_PKEY* key);  // PKCS #8, not encrypted
KeyPtr key_from_pem(std::string_view pem);
std::string certificate_to_pem(X509* certificate);
CertificatePtr certificate_from_pem(std::string_view pem);  // the first one
std::string request_to_pem(X509_REQ* request);
CertificateRequestPtr request_from_pem(std::string_view pem);

}  // namespace vbs
