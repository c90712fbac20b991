#include "core/delegates/tls.hpp"

#include <fmt/format.h>
#include <grpc/support/log.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <optional>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/log.hpp"
#include "core/identity/certificate_info.hpp"
#include "core/identity/pem.hpp"
#include "core/identity/pem_file.hpp"

namespace vbs {
namespace {
namespace tls = grpc::experimental;
constexpr unsigned kReadAgain = 60;  // s

std::string shown(const std::optional<CertificateRole>& role) {
  return role ? role_uri(*role) : "a certificate without a role of VBS";
}

class RoleVerifier final : public tls::ExternalCertificateVerifier {
 public:
  // An empty name stands for any.
  explicit RoleVerifier(CertificateRole wanted) : wanted_(std::move(wanted)) {}

  bool Verify(tls::TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* status) override {
    std::vector<std::string> names;
    for (const auto& n : request->uri_names()) names.emplace_back(n.data(), n.size());
    const auto role = certificate_role(names);
    if (role && role->kind == wanted_.kind && (wanted_.name.empty() || role->name == wanted_.name)) return true;
    const auto why = fmt::format("the other side is {}, {} was expected", for_log(shown(role), 300),
                                 wanted_.name.empty() ? "a vbs:server" : role_uri(wanted_));
    logger().warn("delegate connection refused: {}", why);
    *status = grpc::Status(grpc::StatusCode::UNAUTHENTICATED, why);
    return true;
  }
  void Cancel(tls::TlsCustomVerificationCheckRequest*) override {}

 private:
  const CertificateRole wanted_;
};

// gRPC says of an unusable file no more than that there is no certificate.
std::shared_ptr<tls::CertificateProviderInterface> provider(const DelegateTls& files) {
  const auto checked = [](const std::string& file, auto read) {
    try {
      return read(read_small_file(file));
    } catch (const Error& e) {
      throw Error(e.code(), e.code() == Code::invalid ? fmt::format("{}: {}", file, e.what()) : e.what());
    }
  };
  const auto certificate = checked(files.certificate, certificate_from_pem);
  const auto key = checked(files.key, key_from_pem);
  checked(files.ca, certificate_from_pem);
  if (X509_check_private_key(certificate.get(), key.get()) != 1)
    throw Error(Code::invalid, fmt::format("{} is not the key of {}", files.key, files.certificate));
  return std::make_shared<tls::FileWatcherCertificateProvider>(files.key, files.certificate, files.ca, kReadAgain);
}
}  // namespace

std::shared_ptr<grpc::ChannelCredentials> service_credentials(const DelegateTls& files, const std::string& delegate) {
  tls::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(provider(files));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_check_call_host(false);
  options.set_certificate_verifier(
      tls::ExternalCertificateVerifier::Create<RoleVerifier>(CertificateRole{CertificateKind::delegate, delegate}));
  return tls::TlsCredentials(options);
}

std::shared_ptr<grpc::ServerCredentials> delegate_credentials(const DelegateTls& files) {
  tls::TlsServerCredentialsOptions options(provider(files));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.set_certificate_verifier(
      tls::ExternalCertificateVerifier::Create<RoleVerifier>(CertificateRole{CertificateKind::server, {}}));
  return tls::TlsServerCredentials(options);
}

void route_grpc_log() {
  gpr_set_log_function([](gpr_log_func_args* a) { logger().debug("gRPC: {}", for_log(a->message, 2048)); });
}

}  // namespace vbs
