#include "core/identity/certificate_kind.hpp"

#include <fmt/format.h>

#include "core/base/error.hpp"
#include "core/base/log.hpp"

namespace vbs {

std::string_view to_string(CertificateKind kind) {
  switch (kind) {
    case CertificateKind::user:
      return "user";
    case CertificateKind::server:
      return "server";
    case CertificateKind::delegate:
      return "delegate";
  }
  return "user";
}

CertificateKind certificate_kind_from_string(std::string_view text) {
  for (const auto kind : {CertificateKind::user, CertificateKind::server, CertificateKind::delegate})
    if (to_string(kind) == text) return kind;
  throw Error(Code::invalid, fmt::format("certificate kind '{}': use user, server or delegate", for_log(text, 64)),
              "kind");
}

std::string role_uri(const CertificateRole& role) {
  if (role.kind == CertificateKind::user) return "vbs:user";
  return fmt::format("vbs:{}:{}", to_string(role.kind), role.name);
}

std::optional<CertificateRole> certificate_role(const std::vector<std::string>& uri_names) {
  std::optional<CertificateRole> found;
  for (const auto& uri : uri_names) {
    if (uri.rfind("vbs:", 0) != 0) continue;
    if (found) return std::nullopt;
    const std::string rest = uri.substr(4);
    const size_t colon = rest.find(':');
    if (rest == "user") {
      found = CertificateRole{CertificateKind::user, {}};
    } else if (colon != std::string::npos && colon + 1 < rest.size() && rest.substr(0, colon) == "server") {
      found = CertificateRole{CertificateKind::server, rest.substr(colon + 1)};
    } else if (colon != std::string::npos && colon + 1 < rest.size() && rest.substr(0, colon) == "delegate") {
      found = CertificateRole{CertificateKind::delegate, rest.substr(colon + 1)};
    } else {
      return std::nullopt;
    }
  }
  return found;
}

}  // namespace vbs
