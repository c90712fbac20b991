#include "core/identity/certificate_info.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <ctime>

#include "core/base/log.hpp"
#include "core/identity/pem.hpp"
#include "core/identity/subject.hpp"

namespace vbs {
namespace {

std::string key_text(const EVP_PKEY* key) {
  if (!key) return "unknown";
  const char* type = EVP_PKEY_get0_type_name(key);
  return fmt::format("{} {}", type ? type : "unknown", EVP_PKEY_get_bits(key));
}

std::string time_text(const ASN1_TIME* time) {
  std::tm tm{};
  if (ASN1_TIME_to_tm(time, &tm) != 1) return "unknown";
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &tm);
  return text.data();
}

std::string hex(const unsigned char* bytes, size_t n) {
  std::string out;
  for (size_t i = 0; i < n; ++i) out += fmt::format("{:02x}", bytes[i]);
  return out;
}

std::string serial_text(const X509* certificate) {
  BignumPtr number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  std::array<unsigned char, 64> bytes{};
  if (!number || BN_num_bytes(number.get()) > static_cast<int>(bytes.size())) return "unknown";
  return hex(bytes.data(), static_cast<size_t>(BN_bn2bin(number.get(), bytes.data())));
}

std::string string_text(const ASN1_STRING* s) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(s)), static_cast<size_t>(ASN1_STRING_length(s))};
}

std::string address_text(const ASN1_STRING* s) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = ASN1_STRING_length(s) == 4 ? AF_INET : AF_INET6;
  if (ASN1_STRING_length(s) != 4 && ASN1_STRING_length(s) != 16) return "unknown";
  return inet_ntop(family, ASN1_STRING_get0_data(s), text.data(), text.size()) ? text.data() : "unknown";
}

void read_names(const X509* certificate, CertificateInfo& info) {
  const GeneralNamesPtr names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> uris;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int type = 0;
    const auto* value =
        static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type));
    if (type == GEN_URI) {
      uris.push_back(string_text(value));
      info.names.push_back("URI:" + for_log(uris.back()));
    } else if (type == GEN_DNS) {
      info.names.push_back("DNS:" + for_log(string_text(value)));
    } else if (type == GEN_IPADD) {
      info.names.push_back("IP:" + address_text(value));
    }
  }
  info.role = certificate_role(uris);
}

void read_usages(const X509* certificate, CertificateInfo& info) {
  const ExtendedUsagePtr usages(
      static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(certificate, NID_ext_key_usage, nullptr, nullptr)));
  for (int i = 0; i < sk_ASN1_OBJECT_num(usages.get()); ++i) {
    const int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(usages.get(), i));
    info.usages.push_back(nid == NID_undef ? "unknown" : OBJ_nid2sn(nid));
  }
}
}  // namespace

CertificateInfo describe_certificate(std::string_view pem) {
  CertificateInfo info;
  if (pem.find("CERTIFICATE REQUEST-----") != std::string_view::npos) {
    const auto request = request_from_pem(pem);
    info.request = true;
    info.subject = canonical_subject(X509_REQ_get_subject_name(request.get()));
    info.key = key_text(X509_REQ_get0_pubkey(request.get()));
    return info;
  }
  const auto certificate = certificate_from_pem(pem);
  info.subject = canonical_subject(X509_get_subject_name(certificate.get()));
  info.issuer = canonical_subject(X509_get_issuer_name(certificate.get()));
  info.key = key_text(X509_get0_pubkey(certificate.get()));
  info.serial = serial_text(certificate.get());
  info.not_before = time_text(X509_get0_notBefore(certificate.get()));
  info.not_after = time_text(X509_get0_notAfter(certificate.get()));
  info.expired = X509_cmp_current_time(X509_get0_notAfter(certificate.get())) < 0;
  info.authority = X509_check_ca(certificate.get()) == 1;
  read_names(certificate.get(), info);
  read_usages(certificate.get(), info);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int n = 0;
  openssl_check(X509_digest(certificate.get(), EVP_sha256(), digest.data(), &n), "computing a fingerprint");
  info.fingerprint = hex(digest.data(), n);
  ERR_clear_error();
  return info;
}
}  // namespace vbs
