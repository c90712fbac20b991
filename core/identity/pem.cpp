#include "core/identity/pem.hpp"

#include <openssl/ec.h>
#include <openssl/pem.h>

namespace vbs {
namespace {
BioPtr reader(std::string_view pem) {
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  openssl_check(bio != nullptr, "reading PEM");
  return bio;
}

BioPtr writer() {
  BioPtr bio(BIO_new(BIO_s_mem()));
  openssl_check(bio != nullptr, "writing PEM");
  return bio;
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long n = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(n)};
}

// A password prompt in the middle of a service or script would hang it.
int no_password(char*, int, int, void*) { return -1; }

template <class Ptr>
Ptr need(Ptr ptr, const char* what) {
  if (!ptr) throw Error(Code::invalid, std::string("this is not the PEM text of ") + what + ": " + openssl_reason());
  return ptr;
}
}  // namespace

KeyPtr new_ec_key() {
  KeyPtr key(EVP_EC_gen("P-256"));
  openssl_check(key != nullptr, "making a key");
  return key;
}

std::string key_to_pem(EVP_PKEY* key) {
  const auto bio = writer();
  openssl_check(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr), "writing a key");
  return text_of(bio.get());
}

KeyPtr key_from_pem(std::string_view pem) {
  return need(KeyPtr(PEM_read_bio_PrivateKey(reader(pem).get(), nullptr, no_password, nullptr)),
              "a private key without password");
}

std::string certificate_to_pem(X509* certificate) {
  const auto bio = writer();
  openssl_check(PEM_write_bio_X509(bio.get(), certificate), "writing a certificate");
  return text_of(bio.get());
}

CertificatePtr certificate_from_pem(std::string_view pem) {
  return need(CertificatePtr(PEM_read_bio_X509(reader(pem).get(), nullptr, no_password, nullptr)), "a certificate");
}

std::string request_to_pem(X509_REQ* request) {
  const auto bio = writer();
  openssl_check(PEM_write_bio_X509_REQ(bio.get(), request), "writing a signing request");
  return text_of(bio.get());
}

CertificateRequestPtr request_from_pem(std::string_view pem) {
  return need(CertificateRequestPtr(PEM_read_bio_X509_REQ(reader(pem).get(), nullptr, no_password, nullptr)),
              "a certificate signing request");
}
}  // namespace vbs
