#include "core/http/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cerrno>
#include <ctime>
#include <system_error>

namespace vbs::http {
namespace {
struct Free {
  void operator()(X509* p) const { X509_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(BIGNUM* p) const { BN_free(p); }
  void operator()(GENERAL_NAMES* p) const { GENERAL_NAMES_free(p); }
};

[[noreturn]] void bad(const std::string& what, const std::string& file, const char* field) {
  throw Error(Code::invalid, what + " '" + file + "': " + openssl_error(), field);
}

// RFC 4514, but with UTF-8 as it is: an operator writes the same text into a policy.
std::string name_text(const X509_NAME* name) {
  std::unique_ptr<BIO, Free> bio(BIO_new(BIO_s_mem()));
  if (!bio || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(size)};
}

std::string serial_text(const X509* certificate) {
  std::unique_ptr<BIGNUM, Free> number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  char* hex = number ? BN_bn2hex(number.get()) : nullptr;
  std::string text = hex ? hex : "";
  OPENSSL_free(hex);
  return text;
}

std::vector<std::string> uri_names(const X509* certificate) {
  std::vector<std::string> out;
  std::unique_ptr<GENERAL_NAMES, Free> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING* uri = name->d.uniformResourceIdentifier;
    std::string text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                     static_cast<size_t>(ASN1_STRING_length(uri)));
    // A NUL or another control character has no place in a URI and could pass one name off as another (CVE-2009-2408).
    bool clean = true;
    for (const unsigned char c : text) clean = clean && c > 0x20 && c < 0x7f;
    if (clean) out.push_back(std::move(text));
  }
  return out;
}

void check_private(const std::string& file) {
  struct stat info {};
  if (stat(file.c_str(), &info) != 0)
    throw Error(Code::invalid, "cannot read the TLS key '" + file + "': " + std::generic_category().message(errno),
                "tls.key");
  if (info.st_mode & S_IROTH)
    throw Error(Code::invalid, "the TLS key '" + file + "' can be read by everybody; run chmod o-rwx on it", "tls.key");
}
}  // namespace

std::string openssl_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (!code) return "no detail from OpenSSL";
  if (ERR_SYSTEM_ERROR(code)) return std::generic_category().message(ERR_GET_REASON(code));
  const char* reason = ERR_reason_error_string(code);
  return reason ? reason : "OpenSSL error " + std::to_string(code);
}

std::shared_ptr<boost::asio::ssl::context> server_context(const TlsFiles& files) {
  ERR_clear_error();
  auto context = std::make_shared<boost::asio::ssl::context>(boost::asio::ssl::context::tls_server);
  SSL_CTX* ssl = context->native_handle();
  SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
  SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);  // idle kept-alive connections hold no 34 KiB of buffers each
  if (SSL_CTX_set_cipher_list(ssl, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
    throw Error(Code::internal, "OpenSSL refuses the cipher list: " + openssl_error());
  if (SSL_CTX_use_certificate_chain_file(ssl, files.cert.c_str()) != 1)
    bad("cannot use the TLS certificate", files.cert, "tls.cert");
  check_private(files.key);
  if (SSL_CTX_use_PrivateKey_file(ssl, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    bad("cannot use the TLS key", files.key, "tls.key");
  if (SSL_CTX_check_private_key(ssl) != 1) bad("the TLS certificate does not belong to the key", files.key, "tls.key");

  // Without a session id context OpenSSL refuses to resume sessions that carry a client certificate.
  static constexpr unsigned char kContext[] = "vbs-http";
  SSL_CTX_set_session_id_context(ssl, kContext, sizeof kContext - 1);
  SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_SERVER);
  SSL_CTX_set_timeout(ssl, 3600);  // seconds: a revoked or replaced client certificate lives on for no longer

  if (!files.client_ca.empty()) {
    if (SSL_CTX_load_verify_file(ssl, files.client_ca.c_str()) != 1)
      bad("cannot use the client CA file", files.client_ca, "tls.client_ca");
    auto* names = SSL_load_client_CA_file(files.client_ca.c_str());
    if (!names) bad("no certificate in the client CA file", files.client_ca, "tls.client_ca");
    SSL_CTX_set_client_CA_list(ssl, names);
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, nullptr);
  }
  return context;
}

std::optional<Certificate> peer_certificate(SSL* ssl) {
  std::unique_ptr<X509, Free> x509(SSL_get1_peer_certificate(ssl));
  if (!x509 || SSL_get_verify_result(ssl) != X509_V_OK) return std::nullopt;
  Certificate out;
  out.subject = name_text(X509_get_subject_name(x509.get()));
  out.issuer = name_text(X509_get_issuer_name(x509.get()));
  out.serial = serial_text(x509.get());
  std::tm tm{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(x509.get()), &tm) != 1) return std::nullopt;
  out.not_after = std::chrono::system_clock::from_time_t(timegm(&tm));
  out.uri_sans = uri_names(x509.get());
  return out;
}
}  // namespace vbs::http
