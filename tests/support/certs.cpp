#include "tests/support/certs.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cstdio>
#include <memory>
#include <stdexcept>

namespace vbs::test {
namespace {
struct Free {
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }
  void operator()(FILE* p) const { fclose(p); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Cert = std::unique_ptr<X509, Free>;

void must(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(std::string("test certificates: ") + what);
}

void set_subject(X509_NAME* name, const CertSpec& spec) {
  for (const auto& [field, value] : spec.subject)
    must(X509_NAME_add_entry_by_txt(name, field.c_str(), MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1,
         "subject");
}

void add_extension(X509* cert, X509* issuer, int nid, const std::string& value) {
  if (value.empty()) return;
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
  std::unique_ptr<X509_EXTENSION, Free> extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  must(extension && X509_add_ext(cert, extension.get(), -1) == 1, value.c_str());
}

Cert new_cert(const CertSpec& spec, EVP_PKEY* key) {
  static long serial = 0x1000;
  Cert cert(X509_new());
  must(X509_set_version(cert.get(), 2) == 1, "version");
  ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), spec.from.count());
  X509_gmtime_adj(X509_getm_notAfter(cert.get()), spec.until.count());
  set_subject(X509_get_subject_name(cert.get()), spec);
  must(X509_set_pubkey(cert.get(), key) == 1, "public key");
  return cert;
}

template <class Write>
std::string write_file(const std::filesystem::path& path, const Write& write) {
  std::unique_ptr<FILE, Free> file(fopen(path.c_str(), "w"));
  must(file != nullptr && write(file.get()) == 1, path.c_str());
  must(chmod(path.c_str(), 0600) == 0, path.c_str());
  return path.string();
}
}  // namespace

struct Ca::Impl {
  Key key;
  Cert cert;
};

Ca::Ca(const std::filesystem::path& directory, const std::string& name)
    : impl_(std::make_unique<Impl>()), directory_(directory / name) {
  std::filesystem::create_directories(directory_);
  impl_->key.reset(EVP_EC_gen("P-256"));
  must(impl_->key != nullptr, "CA key");
  impl_->cert = new_cert({.subject = {{"O", "Test"}, {"CN", name}}}, impl_->key.get());
  X509* cert = impl_->cert.get();
  X509_set_issuer_name(cert, X509_get_subject_name(cert));
  add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign");
  must(X509_sign(cert, impl_->key.get(), EVP_sha256()) > 0, "sign");
  file_ = write_file(directory_ / "ca.pem", [&](FILE* f) { return PEM_write_X509(f, cert); });
}
Ca::~Ca() = default;

PemFiles Ca::sign(const std::string& file_name, const CertSpec& spec) {
  const Key key(EVP_EC_gen("P-256"));
  must(key != nullptr, "key");
  const Cert cert = new_cert(spec, key.get());
  X509_set_issuer_name(cert.get(), X509_get_subject_name(impl_->cert.get()));
  add_extension(cert.get(), impl_->cert.get(), NID_subject_alt_name, spec.alt_names);
  add_extension(cert.get(), impl_->cert.get(), NID_ext_key_usage, spec.extended_usage);
  must(X509_sign(cert.get(), impl_->key.get(), EVP_sha256()) > 0, "sign");
  PemFiles files;
  files.cert = write_file(directory_ / (file_name + ".pem"), [&](FILE* f) { return PEM_write_X509(f, cert.get()); });
  files.key = write_file(directory_ / (file_name + ".key"), [&](FILE* f) {
    return PEM_write_PrivateKey(f, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  return files;
}

PemFiles Ca::server(const std::string& file_name) {
  return sign(file_name, {.subject = {{"CN", "vbs test server"}},
                          .alt_names = "DNS:localhost,IP:127.0.0.1,IP:::1",
                          .extended_usage = "serverAuth"});
}

PemFiles Ca::client(const std::string& common_name, const CertSpec& base) {
  CertSpec spec = base;
  if (spec.subject.empty()) spec.subject = {{"O", "Test"}, {"CN", common_name}};
  if (spec.extended_usage.empty()) spec.extended_usage = "clientAuth";
  return sign(common_name, spec);
}

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "vbs-test-XXXXXX").string();
  must(mkdtemp(pattern.data()) != nullptr, "no temporary directory");
  path_ = pattern;
}
TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}
}  // namespace vbs::test
