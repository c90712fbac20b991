#include "tests/http/raw_client.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace vbs::test {
namespace {
const bool kNoSigpipe = [] {
  signal(SIGPIPE, SIG_IGN);  // SSL_write has no MSG_NOSIGNAL
  return true;
}();
}  // namespace

void RawClient::connect(uint16_t port) {
  static_cast<void>(kNoSigpipe);
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit{10, 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) throw std::runtime_error("connect failed");
}

RawClient::RawClient(uint16_t port) { connect(port); }

RawClient::RawClient(uint16_t port, SSL_CTX* context, SSL_SESSION* resume) {
  connect(port);
  ssl_ = SSL_new(context);
  SSL_set_fd(ssl_, fd_);
  if (resume) SSL_set_session(ssl_, resume);
  if (SSL_connect(ssl_) != 1) {
    ERR_clear_error();
    SSL_free(ssl_);
    close(fd_);
    throw std::runtime_error("TLS handshake failed");
  }
}

RawClient::~RawClient() {
  if (ssl_) {
    SSL_shutdown(ssl_);
    SSL_free(ssl_);
  }
  ERR_clear_error();
  close(fd_);
}

void RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ssl_ ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                           : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) throw std::runtime_error("send failed");
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

std::string RawClient::read_some() {
  char data[65536];
  const ssize_t n = ssl_ ? SSL_read(ssl_, data, sizeof data) : recv(fd_, data, sizeof data, 0);
  return n > 0 ? std::string(data, static_cast<size_t>(n)) : std::string();
}

RawResponse RawClient::read_response(bool head) {
  const auto more = [this] {
    const auto bytes = read_some();
    if (bytes.empty()) throw std::runtime_error("the connection ended before an answer");
    buffer_ += bytes;
  };
  size_t end;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) more();
  RawResponse response;
  response.status = std::atoi(buffer_.substr(9, 3).c_str());
  for (size_t at = buffer_.find("\r\n") + 2; at < end + 2;) {
    const auto line = buffer_.substr(at, buffer_.find("\r\n", at) - at);
    at += line.size() + 2;
    const auto colon = line.find(": ");
    response.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
  buffer_.erase(0, end + 4);
  const size_t length = head ? 0 : std::strtoul(response.header("content-length").c_str(), nullptr, 10);
  while (buffer_.size() < length) more();
  response.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  return response;
}

bool RawClient::closed_by_server() {
  if (!buffer_.empty()) return false;
  char data;
  const ssize_t n = ssl_ ? SSL_read(ssl_, &data, 1) : recv(fd_, &data, 1, 0);
  return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

TlsClientContext::TlsClientContext(const std::string& ca, const PemFiles& client, int max_version)
    : context_(SSL_CTX_new(TLS_client_method())) {
  SSL_CTX_load_verify_file(context_, ca.c_str());
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_CLIENT);
  if (max_version) SSL_CTX_set_max_proto_version(context_, max_version);
  if (client.cert.empty()) return;
  if (SSL_CTX_use_certificate_chain_file(context_, client.cert.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context_, client.key.c_str(), SSL_FILETYPE_PEM) != 1)
    throw std::runtime_error("client certificate unusable");
}
}  // namespace vbs::test
