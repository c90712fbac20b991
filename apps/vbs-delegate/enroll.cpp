#include "apps/vbs-delegate/enroll.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <sstream>

#include "core/base/durable_file.hpp"
#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/base/log.hpp"
#include "core/identity/certificate_authority.hpp"
#include "core/identity/certificate_info.hpp"
#include "core/identity/enrollment.hpp"
#include "core/identity/pem.hpp"

namespace vbs {
namespace {
constexpr size_t kMaxAnswer = 1 << 20;
constexpr timeval kTimeout{20, 0};

template <auto F>
struct Free {
  template <class T>
  void operator()(T* p) const {
    F(p);
  }
};

[[noreturn]] void failed(const std::string& server, const std::string& what) {
  const auto code = ERR_get_error();
  throw Error(Code::unavailable,
              fmt::format("{}: {}{}{}", server, what, code ? ": " : "", code ? ERR_reason_error_string(code) : ""));
}

std::string host_and_port(const std::string& server) {
  constexpr std::string_view kScheme = "https://";
  auto rest = server.rfind(kScheme, 0) == 0 ? server.substr(kScheme.size()) : "";
  if (!rest.empty() && rest.back() == '/') rest.pop_back();
  if (rest.empty() || rest.find(':') == std::string::npos || rest.find_first_of("/ @?#\r\n") != std::string::npos)
    throw Error(Code::invalid, fmt::format("--server '{}': write https://HOST:PORT", for_log(server)), "server");
  return rest;
}

// One request over TLS to whoever has the certificate of that fingerprint. Anybody else gets nothing, least of all the
// token.
std::string ask(const std::string& server, const std::string& fingerprint, const std::string& body) {
  const auto where = host_and_port(server);
  std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>> context(SSL_CTX_new(TLS_client_method()));
  if (!context) failed(server, "TLS");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);  // by its fingerprint, below
  std::unique_ptr<BIO, Free<BIO_free_all>> connection(BIO_new_ssl_connect(context.get()));
  if (!connection) failed(server, "TLS");
  BIO_set_conn_hostname(connection.get(), where.c_str());
  SSL* ssl = nullptr;
  BIO_get_ssl(connection.get(), &ssl);
  const auto host = where.substr(0, where.rfind(':'));
  SSL_set_tlsext_host_name(ssl, host.c_str());
  if (BIO_do_connect(connection.get()) <= 0) failed(server, "cannot be reached");
  if (int fd = -1; BIO_get_fd(connection.get(), &fd) > 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kTimeout, sizeof kTimeout);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kTimeout, sizeof kTimeout);
  }
  if (BIO_do_handshake(connection.get()) <= 0) failed(server, "no TLS session");
  std::unique_ptr<X509, Free<X509_free>> peer(SSL_get1_peer_certificate(ssl));
  if (!peer || describe_certificate(certificate_to_pem(peer.get())).fingerprint != fingerprint)
    throw Error(Code::unauthenticated,
                server +
                    " is not the service that made the token (its certificate is another one, or has been "
                    "renewed since): check the address, or make another token");
  const auto request = fmt::format(
      "POST /v1/enroll HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n"
      "Connection: close\r\n\r\n{}",
      where, body.size(), body);
  if (BIO_write(connection.get(), request.data(), static_cast<int>(request.size())) != static_cast<int>(request.size()))
    failed(server, "the request could not be sent");
  std::string answer;
  char buffer[16384];
  for (int n = 0; (n = BIO_read(connection.get(), buffer, sizeof buffer)) > 0;) {
    answer.append(buffer, static_cast<size_t>(n));
    if (answer.size() > kMaxAnswer) throw Error(Code::too_large, server + ": the answer is too long");
  }
  const auto end = answer.find("\r\n\r\n");
  if (answer.rfind("HTTP/1.1 ", 0) != 0 || end == std::string::npos) failed(server, "no answer of HTTP came");
  if (answer.compare(9, 3, "200") == 0) return answer.substr(end + 4);
  std::string why = answer.substr(9, answer.find("\r\n") - 9);
  try {
    const auto document = parse_json(answer.substr(end + 4));
    ObjectReader reader(document);
    if (const auto* error = reader.optional_object("error"))
      why = ObjectReader(*error).required_string("message", 4096);
  } catch (const std::exception&) {  // then the status line has to do
  }
  throw Error(Code::unauthenticated, server + ": " + for_log(why, 1024));
}
// The lines between the first and the last of a PEM text, as one.
std::string base64_of(const std::string& pem) {
  std::istringstream in(pem);
  std::string out;
  for (std::string line; std::getline(in, line);)
    if (line.rfind("-----", 0) != 0) out += line;
  return out;
}

// PEM texts have line ends, which ObjectReader lets nobody type.
std::string member(const rapidjson::Document& document, const char* name) {
  if (document.IsObject())
    if (const auto it = document.FindMember(name); it != document.MemberEnd() && it->value.IsString())
      return {it->value.GetString(), it->value.GetStringLength()};
  throw Error(Code::internal, std::string("the service's answer has no '") + name + "'");
}
}  // namespace

void enroll(const std::string& server, const std::string& token_text, const std::string& directory) {
  namespace fs = std::filesystem;
  const auto token = parse_enrollment_token(token_text);
  std::error_code error;
  fs::create_directories(directory, error);
  const fs::path key = fs::path(directory) / "key.pem", certificate = fs::path(directory) / "cert.pem",
                 ca = fs::path(directory) / "ca.pem";
  for (const auto& file : {key, certificate, ca})
    if (fs::exists(fs::symlink_status(file)))
      throw Error(Code::conflict, file.string() + " exists already and is not overwritten; the token is still good");
  const auto made = make_request("CN=vbs-delegate");
  JsonBuffer buffer;
  JsonWriter w(buffer);
  w.StartObject();
  vbs::key(w, "token");
  put(w, token.secret);
  vbs::key(w, "request");
  put(w, base64_of(made.request_pem));
  w.EndObject();
  const auto document = parse_json(ask(server, token.fingerprint, {buffer.GetString(), buffer.GetSize()}));
  const auto name = member(document, "name"), pem = member(document, "certificate"), authority = member(document, "ca");
  describe_certificate(pem);
  describe_certificate(authority);
  write_file_atomically(key, made.key_pem, 0600, IfExists::refuse);
  write_file_atomically(ca, authority, 0644, IfExists::refuse);
  write_file_atomically(certificate, pem, 0644, IfExists::refuse);
  std::cout << "enrolled as " << for_log(name, 255) << ": wrote " << key.string() << " (keep it secret), "
            << certificate.string() << " and " << ca.string() << "\n";
}

}  // namespace vbs
