#include "core/identity/certificate_authority.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "core/base/json.hpp"
#include "core/base/log.hpp"
#include "core/identity/pem.hpp"
#include "core/identity/pem_file.hpp"
#include "core/identity/subject.hpp"

namespace vbs {
namespace {
namespace fs = std::filesystem;

constexpr const char* kCertificateFile = "ca.pem";
constexpr const char* kKeyFile = "ca-key.pem";
constexpr long kClockSkewSeconds = 300;  // a node whose clock is a little behind must take a fresh certificate
constexpr size_t kMaxNames = 32;

// 128 random bits with the top one clear and one below it set: positive, and always 16 bytes (RFC 5280, 4.1.2.2).
void set_random_serial(X509* certificate) {
  BignumPtr number(BN_new());
  openssl_check(number && BN_rand(number.get(), 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY), "making a serial number");
  openssl_check(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr,
                "setting a serial number");
}

// `value` is always one of the fixed texts below: names from outside go through set_names(), because OpenSSL's
// configuration syntax would give commas and prefixes in them a meaning.
void add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  openssl_check(extension && X509_add_ext(certificate, extension.get(), -1), "adding an extension");
}

void push_name(GENERAL_NAMES* names, int type, const std::string& bytes) {
  std::unique_ptr<GENERAL_NAME, OpensslFree<GENERAL_NAME_free>> name(GENERAL_NAME_new());
  std::unique_ptr<ASN1_STRING, OpensslFree<ASN1_STRING_free>> value(
      ASN1_STRING_type_new(type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING));
  openssl_check(name && value && ASN1_STRING_set(value.get(), bytes.data(), static_cast<int>(bytes.size())),
                "adding a name");
  GENERAL_NAME_set0_value(name.get(), type, value.release());
  openssl_check(sk_GENERAL_NAME_push(names, name.get()) > 0, "adding a name");
  (void)name.release();
}

void check_dns_name(const std::string& name) {
  bool ok = !name.empty() && name.size() <= 253 && name.front() != '.' && name.back() != '.';
  for (const char c : name)
    ok = ok && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.');
  if (!ok)
    throw Error(Code::invalid,
                fmt::format("name '{}' is not a DNS name (letters, digits, '-', '.'; 253 bytes; no wildcard)",
                            for_log(name, 64)),
                "name");
}

std::string address_bytes(const std::string& text) {
  std::unique_ptr<ASN1_OCTET_STRING, OpensslFree<ASN1_OCTET_STRING_free>> octets(a2i_IPADDRESS(text.c_str()));
  ERR_clear_error();
  if (!octets) throw Error(Code::invalid, fmt::format("'{}' is not an IP address", for_log(text, 64)), "ip");
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(octets.get())),
          static_cast<size_t>(ASN1_STRING_length(octets.get()))};
}

void set_names(X509* certificate, const CertificateOrder& order) {
  const auto first = !order.dns_names.empty()      ? order.dns_names.front()
                     : !order.ip_addresses.empty() ? order.ip_addresses.front()
                                                   : std::string();
  if (order.kind == CertificateKind::user && !first.empty())
    throw Error(Code::invalid,
                "a user's certificate has no host names: leave out --name and --ip, or use --kind server", "name");
  if (order.kind != CertificateKind::user && first.empty())
    throw Error(Code::invalid,
                fmt::format("a {}'s certificate needs the names by which it is reached: --name and --ip",
                            to_string(order.kind)),
                "name");
  if (order.dns_names.size() + order.ip_addresses.size() > kMaxNames)
    throw Error(Code::invalid, fmt::format("too many names: the limit is {}", kMaxNames), "name");
  GeneralNamesPtr names(sk_GENERAL_NAME_new_null());
  openssl_check(names != nullptr, "adding names");
  push_name(names.get(), GEN_URI, role_uri({order.kind, first}));
  for (const auto& name : order.dns_names) {
    check_dns_name(name);
    push_name(names.get(), GEN_DNS, name);
  }
  for (const auto& address : order.ip_addresses) push_name(names.get(), GEN_IPADD, address_bytes(address));
  openssl_check(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT),
                "adding names");
}

const char* extended_usage(CertificateKind kind) {
  switch (kind) {
    case CertificateKind::user:
      return "clientAuth";
    case CertificateKind::server:
      return "clientAuth,serverAuth";
    case CertificateKind::delegate:
      return "clientAuth,serverAuth";
  }
  return "clientAuth";
}

// Weak keys would be as good as no certificate.
void check_key(EVP_PKEY* key) {
  const int id = EVP_PKEY_get_base_id(key);
  const int bits = EVP_PKEY_get_bits(key);
  const bool ok = id == EVP_PKEY_ED25519 || (id == EVP_PKEY_EC && bits >= 256) || (id == EVP_PKEY_RSA && bits >= 2048);
  if (!ok)
    throw Error(Code::invalid,
                fmt::format("the request's key ({}, {} bits) is too weak: EC from 256, RSA from 2048 bits, Ed25519",
                            OBJ_nid2sn(id), bits),
                "csr");
}

CertificatePtr new_certificate(EVP_PKEY* key, const X509_NAME* subject, const X509_NAME* issuer) {
  CertificatePtr certificate(X509_new());
  openssl_check(certificate && X509_set_version(certificate.get(), X509_VERSION_3) &&
                    X509_set_subject_name(certificate.get(), subject) &&
                    X509_set_issuer_name(certificate.get(), issuer) && X509_set_pubkey(certificate.get(), key),
                "making a certificate");
  set_random_serial(certificate.get());
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kClockSkewSeconds);
  return certificate;
}

// As `file`, so that an operator sees which one is wrong.
template <class Read>
auto from_file(const fs::path& file, Read read) {
  try {
    return read(read_small_file(file));
  } catch (const Error& e) {
    if (e.code() == Code::not_found) throw Error(e.code(), fmt::format("{}; make a CA with `vbs ca init`", e.what()));
    if (e.code() == Code::invalid) throw Error(e.code(), fmt::format("{}: {}", file.string(), e.what()));
    throw;
  }
}

CertificateRequestPtr new_request(EVP_PKEY* key, const X509_NAME* subject) {
  CertificateRequestPtr request(X509_REQ_new());
  openssl_check(request && X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) &&
                    X509_REQ_set_subject_name(request.get(), subject) && X509_REQ_set_pubkey(request.get(), key) &&
                    X509_REQ_sign(request.get(), key, EVP_sha256()) > 0,
                "making a signing request");
  return request;
}
}  // namespace

void CertificateAuthority::init(const fs::path& directory, std::string_view common_name, IfExists if_exists) {
  check_text(common_name, "name", 64);
  const auto key = new_ec_key();
  NamePtr name(X509_NAME_new());
  openssl_check(name && X509_NAME_add_entry_by_NID(name.get(), NID_commonName, V_ASN1_UTF8STRING,
                                                   reinterpret_cast<const unsigned char*>(common_name.data()),
                                                   static_cast<int>(common_name.size()), -1, 0),
                "making the CA's name");
  canonical_subject(name.get());
  auto certificate = new_certificate(key.get(), name.get(), name.get());
  X509_time_adj_ex(X509_getm_notAfter(certificate.get()), 365 * kCaYears + kCaYears / 4, 0, nullptr);
  add_extension(certificate.get(), certificate.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(certificate.get(), certificate.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(certificate.get(), certificate.get(), NID_subject_key_identifier, "hash");
  openssl_check(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0, "signing the CA's certificate");

  const bool made = ::mkdir(directory.c_str(), 0700) == 0;
  if (!made && errno != EEXIST)
    throw Error(Code::unavailable, fmt::format("cannot make {}: {}", directory.string(), std::strerror(errno)));
  if (if_exists == IfExists::refuse && (fs::exists(directory / kKeyFile) || fs::exists(directory / kCertificateFile)))
    throw Error(Code::conflict,
                fmt::format("{} holds a CA already; --force replaces it, and every certificate that it has "
                            "signed is then worthless",
                            directory.string()));
  if (!made && ::chmod(directory.c_str(), 0700) != 0)
    throw Error(Code::unavailable,
                fmt::format("cannot make {} private (mode 0700): {}", directory.string(), std::strerror(errno)));
  // The certificate is last: a directory with ca.pem in it is a whole CA.
  write_file_atomically(directory / kKeyFile, key_to_pem(key.get()), 0600, if_exists);
  write_file_atomically(directory / kCertificateFile, certificate_to_pem(certificate.get()), 0644, if_exists);
}

CertificateAuthority::CertificateAuthority(const fs::path& directory)
    : certificate_pem_(from_file(directory / kCertificateFile, [](std::string pem) { return pem; })),
      certificate_(from_file(directory / kCertificateFile, certificate_from_pem)),
      key_(from_file(directory / kKeyFile, key_from_pem)) {
  if (X509_check_private_key(certificate_.get(), key_.get()) != 1)
    throw Error(Code::invalid, fmt::format("{}: {} is not the key of {}; restore both from one backup",
                                           directory.string(), kKeyFile, kCertificateFile));
  if (X509_check_ca(certificate_.get()) != 1)
    throw Error(Code::invalid, fmt::format("{} is not a CA's certificate", (directory / kCertificateFile).string()));
}

std::string CertificateAuthority::sign_key(EVP_PKEY* key, const CertificateOrder& order) const {
  if (order.days < 1 || order.days > kMaxCertificateDays)
    throw Error(Code::invalid, fmt::format("days is {}; it must be from 1 to {}", order.days, kMaxCertificateDays),
                "days");
  const auto subject = make_name(order.subject);
  X509_NAME* issuer = X509_get_subject_name(certificate_.get());
  if (X509_NAME_cmp(subject.get(), issuer) == 0)
    throw Error(Code::invalid, "the subject is the CA's own name; choose another", "subject");
  auto certificate = new_certificate(key, subject.get(), issuer);
  X509_time_adj_ex(X509_getm_notAfter(certificate.get()), order.days, 0, nullptr);
  const ASN1_TIME* ca_end = X509_get0_notAfter(certificate_.get());
  if (X509_cmp_current_time(ca_end) < 0)
    throw Error(Code::invalid, "the CA's own certificate has expired: make a new CA with `vbs ca init`", "days");
  if (ASN1_TIME_compare(X509_get0_notAfter(certificate.get()), ca_end) > 0)
    X509_set1_notAfter(certificate.get(), ca_end);
  add_extension(certificate.get(), certificate_.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate.get(), certificate_.get(), NID_key_usage, "critical,digitalSignature");
  add_extension(certificate.get(), certificate_.get(), NID_ext_key_usage, extended_usage(order.kind));
  add_extension(certificate.get(), certificate_.get(), NID_subject_key_identifier, "hash");
  add_extension(certificate.get(), certificate_.get(), NID_authority_key_identifier, "keyid:always");
  set_names(certificate.get(), order);
  openssl_check(X509_sign(certificate.get(), key_.get(), EVP_sha256()) > 0, "signing");
  return certificate_to_pem(certificate.get());
}

std::string CertificateAuthority::sign(std::string_view request_pem, CertificateOrder order) const {
  const auto request = request_from_pem(request_pem);
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  if (!key || X509_REQ_verify(request.get(), key) != 1) {
    ERR_clear_error();
    throw Error(Code::invalid, "the request is not signed by its own key: make it again with `vbs ca request`", "csr");
  }
  check_key(key);
  if (order.subject.empty()) order.subject = canonical_subject(X509_REQ_get_subject_name(request.get()));
  return sign_key(key, order);
}

KeyAndCertificate CertificateAuthority::issue(const CertificateOrder& order) const {
  const auto key = new_ec_key();
  return {key_to_pem(key.get()), sign_key(key.get(), order)};
}

KeyAndRequest make_request(std::string_view subject) {
  const auto name = make_name(subject);
  const auto key = new_ec_key();
  const auto request = new_request(key.get(), name.get());
  return {key_to_pem(key.get()), request_to_pem(request.get())};
}
}  // namespace vbs
