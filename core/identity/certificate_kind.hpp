// What a certificate of a VBS CA is for. The kind is part of the certificate (a URI subject alternative name and the
// extended key usages), so that no server's or delegate's certificate passes for a user's, whatever its subject says:
//   user      vbs:user            clientAuth
//   server    vbs:server:NAME     clientAuth, serverAuth   (vbsd, towards delegates as a client)
//   delegate  vbs:delegate:NAME   clientAuth, serverAuth
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vbs {

enum class CertificateKind { user, server, delegate };

std::string_view to_string(CertificateKind kind);
CertificateKind certificate_kind_from_string(std::string_view text);  // throws Error(invalid)

struct CertificateRole {
  CertificateKind kind;
  std::string name;  // of the server or delegate; empty for a user
};
std::string role_uri(const CertificateRole& role);
// From a certificate's URI names. Exactly one of them must be ours: none, two or a malformed one give nothing, and then
// the certificate is nobody's.
std::optional<CertificateRole> certificate_role(const std::vector<std::string>& uri_names);

}  // namespace vbs
