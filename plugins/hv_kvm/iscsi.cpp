#include "iscsi.hpp"

#include <algorithm>
#include <memory>

namespace vbs::kvm {
namespace {

using plugin::Error;

constexpr size_t max_name = 223;  // of an iSCSI name (RFC 7143, 4.2.7.1)
constexpr size_t max_user = 255;

using SecretPtr = std::shared_ptr<virSecret>;

std::string member(const plugin::Host& host, const std::string& data, const char* name, size_t limit) {
  const auto value = host.json_get(data, "/" + std::string(name)).value_or("");
  const bool plain = std::all_of(value.begin(), value.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (value.empty() || value.size() > limit || !plain)
    throw Error(VBS_INVALID, "iscsi source: " + std::string(name) + " must be 1 to " + std::to_string(limit) +
                                 " visible ASCII characters");
  return value;
}

// Null: there is none.
SecretPtr find_secret(const ConnectPtr& connect, const std::string& usage) {
  auto* found = virSecretLookupByUsage(connect.get(), VIR_SECRET_USAGE_TYPE_ISCSI, usage.c_str());
  // A libvirtd without its secret driver keeps none.
  const auto code = found ? VIR_ERR_OK : virGetLastErrorCode();
  if (!found && code != VIR_ERR_NO_SECRET && code != VIR_ERR_NO_SUPPORT) throw_last_error();
  return {found, [](virSecretPtr s) {
            if (s) virSecretFree(s);
          }};
}

}  // namespace

IscsiSource read_iscsi(const plugin::Host& host, const plugin::DiskSource& source) {
  if (source.format != "raw")
    throw Error(VBS_NOT_SUPPORTED, "an iscsi source has format raw, not \"" + source.format + "\"");
  IscsiSource out;
  out.name = member(host, source.data, "iqn", max_name) + "/" + member(host, source.data, "lun", 5);
  const auto portal = member(host, source.data, "portals/0", max_user);
  const auto colon = portal.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == portal.size())
    throw Error(VBS_INVALID, "iscsi source: portal \"" + portal + "\" must be ADDRESS:PORT");
  out.address = portal.substr(0, colon);
  if (out.address.front() == '[' && out.address.back() == ']') out.address = out.address.substr(1, colon - 2);
  out.port = portal.substr(colon + 1);
  out.user = member(host, source.data, "user", max_user);
  out.initiator = member(host, source.data, "initiator", max_name);
  out.secret = source.secret;
  if (out.secret.empty())
    throw Error(VBS_INVALID, "iscsi source: it comes without a secret, and QEMU logs in with CHAP");
  return out;
}

std::string secret_usage(const std::string& vm_uuid, const std::string& serial) {
  return "vbs/" + vm_uuid + "/" + serial;
}

void keep_secret(Session& session, const std::string& usage, const std::string& value) {
  session.change("keep a secret", [c = session.connect(), usage, value] {
    auto secret = find_secret(c, usage);
    if (!secret) {
      const auto xml =
          "<secret ephemeral='no' private='yes'><description>CHAP password of a volume of VBS</description>"
          "<usage type='iscsi'><target>" +
          usage + "</target></usage></secret>";
      secret = {checked(virSecretDefineXML(c.get(), xml.c_str(), 0)), virSecretFree};
    }
    return checked(
        virSecretSetValue(secret.get(), reinterpret_cast<const unsigned char*>(value.data()), value.size(), 0));
  });
}

void forget_secret(Session& session, const std::string& usage) {
  session.change("forget a secret", [c = session.connect(), usage] {
    const auto secret = find_secret(c, usage);
    return secret ? checked(virSecretUndefine(secret.get())) : 0;
  });
}

}  // namespace vbs::kvm
