#include "core/service/enrollment.hpp"

#include <algorithm>

#include "core/base/clock.hpp"
#include "core/base/log.hpp"
#include "core/identity/certificate_authority.hpp"
#include "core/identity/enrollment.hpp"
#include "core/identity/pem_file.hpp"
#include "core/service/objects.hpp"

namespace vbs {
namespace {
Enrollments enrollments(const Core& core) { return Enrollments(core.config.data_dir + "/enrollments"); }

std::string pem_of(const std::string& base64) {
  std::string pem = "-----BEGIN CERTIFICATE REQUEST-----\n";
  for (size_t i = 0; i < base64.size(); i += 64) pem += base64.substr(i, 64) + "\n";
  return pem + "-----END CERTIFICATE REQUEST-----\n";
}

const std::string& authority(const Core& core) {
  if (core.config.delegate_ca.empty())
    throw Error(Code::not_supported,
                "the service has no CA to sign with (delegate_ca in its configuration): sign by hand with `vbs ca "
                "sign --kind delegate`");
  return core.config.delegate_ca;
}
}  // namespace

std::string issue_delegate_token(Core& core, const Caller& caller, const std::string& delegate) {
  require_operator(caller.who, "enroll delegates");
  const auto& all = core.config.delegates;
  if (std::none_of(all.begin(), all.end(), [&](const auto& d) { return d.name == delegate; }))
    throw Error(Code::not_found, "there is no delegate '" + for_log(delegate, 255) + "' in the configuration", "name");
  const CertificateAuthority ca(authority(core));  // a CA that cannot sign is told now
  const auto token = enrollments(core).issue(delegate, read_small_file(core.config.certificate), now_us());
  core.database.writer().transact(
      [&](store::Tx& tx) { record(tx, caller, "issue-delegate-token", "delegate", delegate, ""); });
  return token.text();
}

EnrolledDelegate enroll_delegate(Core& core, const std::string& secret, const std::string& request,
                                 const std::string& request_id) {
  const auto name = enrollments(core).redeem(secret, now_us());
  const CertificateAuthority ca(authority(core));
  CertificateOrder order;
  order.kind = CertificateKind::delegate;
  order.subject = "CN=" + name;
  order.dns_names = {name};
  order.days = kMaxCertificateDays;
  EnrolledDelegate made{name, ca.sign(pem_of(request), order), ca.certificate_pem()};
  core.database.writer().transact([&](store::Tx& tx) {
    store::record_event(tx, store::UserRow{}, "enroll-delegate", "delegate", name, request_id);
  });
  logger().info("delegate {} has got its certificate", for_log(name, 255));
  return made;
}

}  // namespace vbs
