#include <gtest/gtest.h>
#include <sys/stat.h>

#include <set>

#include "core/identity/certificate_authority.hpp"
#include "core/identity/certificate_info.hpp"
#include "core/identity/pem.hpp"
#include "tests/cli/temporary_directory.hpp"

namespace vbs {
namespace {

using StorePtr = std::unique_ptr<X509_STORE, OpensslFree<X509_STORE_free>>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, OpensslFree<X509_STORE_CTX_free>>;

struct Checked {
  bool ok;
  int error;
};

// As a TLS peer does: chain, dates, purpose, names.
Checked verify(const std::string& ca_pem, const std::string& pem, int purpose, time_t at = 0,
               const char* host = nullptr, const char* address = nullptr) {
  const auto ca = certificate_from_pem(ca_pem), certificate = certificate_from_pem(pem);
  StorePtr store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), ca.get());
  StoreContextPtr context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr);
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
  X509_VERIFY_PARAM_set_purpose(parameters, purpose);
  if (at != 0) X509_VERIFY_PARAM_set_time(parameters, at);
  if (host) X509_VERIFY_PARAM_set1_host(parameters, host, 0);
  if (address) X509_VERIFY_PARAM_set1_ip_asc(parameters, address);
  const bool ok = X509_verify_cert(context.get()) == 1;
  return {ok, X509_STORE_CTX_get_error(context.get())};
}

mode_t mode_of(const std::filesystem::path& path) {
  struct stat s {};
  EXPECT_EQ(::stat(path.c_str(), &s), 0) << path;
  return s.st_mode & 07777;
}

struct CertificateAuthorityTest : testing::Test {
  CertificateAuthorityTest() { CertificateAuthority::init(directory / "ca", "Test CA"); }
  CertificateAuthority ca() const { return CertificateAuthority(directory / "ca"); }
  test::TemporaryDirectory directory;
  const CertificateOrder alice{.kind = CertificateKind::user, .subject = "CN=alice,O=VBS"};
  const CertificateOrder server{.kind = CertificateKind::server,
                                .subject = "CN=vbsd",
                                .dns_names = {"localhost"},
                                .ip_addresses = {"127.0.0.1", "::1"}};
  const CertificateOrder delegate{.kind = CertificateKind::delegate, .subject = "CN=node1", .dns_names = {"node1"}};
};

TEST_F(CertificateAuthorityTest, ItsDirectoryAndKeyArePrivate) {
  EXPECT_EQ(mode_of(directory / "ca"), 0700u);
  EXPECT_EQ(mode_of(directory / "ca" / "ca-key.pem"), 0600u);
  EXPECT_EQ(mode_of(directory / "ca" / "ca.pem"), 0644u);
}

TEST_F(CertificateAuthorityTest, ItsCertificateLivesTenYearsAndMaySignNoOtherCa) {
  const auto certificate = certificate_from_pem(ca().certificate_pem());
  EXPECT_EQ(X509_check_ca(certificate.get()), 1);
  EXPECT_EQ(X509_get_pathlen(certificate.get()), 0);
  const time_t now = time(nullptr);
  EXPECT_EQ(X509_cmp_time(X509_get0_notAfter(certificate.get()), const_cast<time_t*>(&now)), 1);
  time_t later = now + 3649L * 86400;
  EXPECT_EQ(X509_cmp_time(X509_get0_notAfter(certificate.get()), &later), 1);
  later = now + 3660L * 86400;
  EXPECT_EQ(X509_cmp_time(X509_get0_notAfter(certificate.get()), &later), -1);
}

TEST_F(CertificateAuthorityTest, ASecondInitIsRefusedAndChangesNothingUnlessForced) {
  const auto before = ca().certificate_pem();
  EXPECT_THROW(CertificateAuthority::init(directory / "ca", "Other"), Error);
  EXPECT_EQ(ca().certificate_pem(), before);
  CertificateAuthority::init(directory / "ca", "Other", IfExists::replace);
  EXPECT_NE(ca().certificate_pem(), before);
}

TEST_F(CertificateAuthorityTest, SignaturesVerifyWithItsKeyOnly) {
  const auto certificate = certificate_from_pem(ca().issue(alice).certificate_pem);
  const auto own = certificate_from_pem(ca().certificate_pem());
  EXPECT_EQ(X509_verify(certificate.get(), X509_get0_pubkey(own.get())), 1);
  CertificateAuthority::init(directory / "other", "Test CA");
  const auto other = certificate_from_pem(CertificateAuthority(directory / "other").certificate_pem());
  EXPECT_NE(X509_verify(certificate.get(), X509_get0_pubkey(other.get())), 1);
}

TEST_F(CertificateAuthorityTest, EachKindServesItsPurposeAndNoOther) {
  const std::string root = ca().certificate_pem();
  const auto user_pem = ca().issue(alice).certificate_pem;
  const auto server_pem = ca().issue(server).certificate_pem;
  const auto delegate_pem = ca().issue(delegate).certificate_pem;
  EXPECT_TRUE(verify(root, user_pem, X509_PURPOSE_SSL_CLIENT).ok);
  EXPECT_EQ(verify(root, user_pem, X509_PURPOSE_SSL_SERVER).error, X509_V_ERR_INVALID_PURPOSE);
  EXPECT_TRUE(verify(root, server_pem, X509_PURPOSE_SSL_SERVER).ok);
  EXPECT_TRUE(verify(root, server_pem, X509_PURPOSE_SSL_CLIENT).ok);  // of delegates
  EXPECT_TRUE(verify(root, delegate_pem, X509_PURPOSE_SSL_CLIENT).ok);
  EXPECT_TRUE(verify(root, delegate_pem, X509_PURPOSE_SSL_SERVER).ok);
  // Service and delegates are TLS clients, too; what keeps them from being users is their role.
  EXPECT_EQ(describe_certificate(server_pem).role->kind, CertificateKind::server);
  EXPECT_EQ(describe_certificate(user_pem).role->kind, CertificateKind::user);
  EXPECT_EQ(describe_certificate(delegate_pem).role->kind, CertificateKind::delegate);
  EXPECT_EQ(describe_certificate(delegate_pem).role->name, "node1");
}

TEST_F(CertificateAuthorityTest, AServerIsKnownByItsNamesOnly) {
  const std::string root = ca().certificate_pem(), pem = ca().issue(server).certificate_pem;
  EXPECT_TRUE(verify(root, pem, X509_PURPOSE_SSL_SERVER, 0, "localhost").ok);
  EXPECT_TRUE(verify(root, pem, X509_PURPOSE_SSL_SERVER, 0, nullptr, "127.0.0.1").ok);
  EXPECT_TRUE(verify(root, pem, X509_PURPOSE_SSL_SERVER, 0, nullptr, "::1").ok);
  EXPECT_EQ(verify(root, pem, X509_PURPOSE_SSL_SERVER, 0, "vbsd").error, X509_V_ERR_HOSTNAME_MISMATCH);
}

TEST_F(CertificateAuthorityTest, ACertificateEndsWhenItsDaysAreOver) {
  auto order = alice;
  order.days = 2;
  const std::string root = ca().certificate_pem(), pem = ca().issue(order).certificate_pem;
  const time_t now = time(nullptr);
  EXPECT_TRUE(verify(root, pem, X509_PURPOSE_SSL_CLIENT, now + 86400).ok);
  EXPECT_TRUE(verify(root, pem, X509_PURPOSE_SSL_CLIENT, now - 240).ok) << "a clock four minutes behind";
  EXPECT_EQ(verify(root, pem, X509_PURPOSE_SSL_CLIENT, now + 3 * 86400).error, X509_V_ERR_CERT_HAS_EXPIRED);
  EXPECT_EQ(verify(root, pem, X509_PURPOSE_SSL_CLIENT, now - 3600).error, X509_V_ERR_CERT_NOT_YET_VALID);
  order.days = 0;
  EXPECT_THROW(ca().issue(order), Error);
  order.days = kMaxCertificateDays + 1;
  EXPECT_THROW(ca().issue(order), Error);
}

TEST_F(CertificateAuthorityTest, SerialNumbersAreLongAndNeverRepeat) {
  std::set<std::string> seen;
  const auto authority = ca();
  for (int i = 0; i < 50; ++i) {
    const auto serial = describe_certificate(authority.issue(alice).certificate_pem).serial;
    EXPECT_EQ(serial.size(), 32u);
    EXPECT_TRUE(seen.insert(serial).second);
  }
}

TEST_F(CertificateAuthorityTest, ARequestKeepsItsSubjectAndKeyAndGetsTheOrderedKind) {
  const auto request = make_request("CN=bob,O=VBS");
  const auto pem = ca().sign(request.request_pem, {.kind = CertificateKind::user});
  const auto info = describe_certificate(pem);
  EXPECT_EQ(info.subject, "CN=bob,O=VBS");
  EXPECT_EQ(info.names, std::vector<std::string>{"URI:vbs:user"});
  EXPECT_EQ(info.usages, std::vector<std::string>{"clientAuth"});
  const auto key = key_from_pem(request.key_pem);
  EXPECT_EQ(X509_check_private_key(certificate_from_pem(pem).get(), key.get()), 1);
}

TEST_F(CertificateAuthorityTest, ARequestCannotAskForMoreThanItsOrder) {
  // A request that says CA:TRUE and vbs:server:evil: its extensions do not come through.
  const auto key = new_ec_key();
  CertificateRequestPtr request(X509_REQ_new());
  X509_REQ_set_pubkey(request.get(), key.get());
  X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>("mallory"), -1, -1, 0);
  std::unique_ptr<STACK_OF(X509_EXTENSION),
                  OpensslFree<[](STACK_OF(X509_EXTENSION) * s) { sk_X509_EXTENSION_pop_free(s, X509_EXTENSION_free); }>>
      extensions(sk_X509_EXTENSION_new_null());
  sk_X509_EXTENSION_push(extensions.get(),
                         X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE"));
  sk_X509_EXTENSION_push(extensions.get(),
                         X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "URI:vbs:server:evil"));
  X509_REQ_add_extensions(request.get(), extensions.get());
  X509_REQ_sign(request.get(), key.get(), EVP_sha256());
  const auto info = describe_certificate(ca().sign(request_to_pem(request.get()), {.kind = CertificateKind::user}));
  EXPECT_FALSE(info.authority);
  EXPECT_EQ(info.names, std::vector<std::string>{"URI:vbs:user"});
}

TEST_F(CertificateAuthorityTest, ATamperedOrWeakRequestIsRefused) {
  const auto honest = make_request("CN=bob"), other = make_request("CN=eve");
  auto request = request_from_pem(honest.request_pem);
  X509_REQ_set_pubkey(request.get(), key_from_pem(other.key_pem).get());  // the signature is now another key's
  EXPECT_THROW(ca().sign(request_to_pem(request.get()), {}), Error);

  KeyPtr weak(EVP_RSA_gen(1024));
  CertificateRequestPtr small(X509_REQ_new());
  X509_REQ_set_pubkey(small.get(), weak.get());
  X509_REQ_sign(small.get(), weak.get(), EVP_sha256());
  try {
    ca().sign(request_to_pem(small.get()), {.subject = "CN=bob"});
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("too weak"), std::string::npos) << e.what();
  }
  EXPECT_THROW(ca().sign("no PEM at all", {}), Error);
}

TEST_F(CertificateAuthorityTest, NamesAreCheckedAndBelongToTheKindsThatHaveThem) {
  auto order = alice;
  order.dns_names = {"alice.example.org"};
  EXPECT_THROW(ca().issue(order), Error) << "a user has no names";
  order = server;
  order.dns_names.clear();
  order.ip_addresses.clear();
  EXPECT_THROW(ca().issue(order), Error) << "a server needs one";
  for (const char* bad : {"*", "a b", "a,DNS:b", "", ".a", "evil\n"}) {
    order.dns_names = {bad};
    EXPECT_THROW(ca().issue(order), Error) << bad;
  }
  order.dns_names.clear();
  order.ip_addresses = {"1.2.3"};
  EXPECT_THROW(ca().issue(order), Error);
}

TEST_F(CertificateAuthorityTest, AKeyOfAnotherCaInItsDirectoryIsNoticed) {
  CertificateAuthority::init(directory / "other", "Other");
  std::filesystem::copy_file(directory / "other" / "ca-key.pem", directory / "ca" / "ca-key.pem",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_THROW(ca(), Error);
}

TEST_F(CertificateAuthorityTest, NobodyGetsACertificateInItsOwnName) {
  auto order = alice;
  order.subject = "CN=Test CA";
  EXPECT_THROW(ca().issue(order), Error);
}

TEST(CertificateRole, ExactlyOneOfOurNamesCounts) {
  EXPECT_EQ(certificate_role({"vbs:user"})->kind, CertificateKind::user);
  EXPECT_EQ(certificate_role({"spiffe://x/y", "vbs:server:a"})->name, "a");
  for (const std::vector<std::string>& bad : std::vector<std::vector<std::string>>{{},
                                                                                   {"https://x"},
                                                                                   {"vbs:user", "vbs:user"},
                                                                                   {"vbs:user", "vbs:delegate:a"},
                                                                                   {"vbs:users"},
                                                                                   {"vbs:server:"},
                                                                                   {"vbs:delegate"},
                                                                                   {"vbs:"}})
    EXPECT_FALSE(certificate_role(bad));
}
}  // namespace
}  // namespace vbs
