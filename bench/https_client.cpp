#include "bench/https_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <stdexcept>

namespace vbs::bench {
namespace {
constexpr size_t kReadSize = 64 * 1024;

[[noreturn]] void tls_failed(const std::string& what) {
  char text[256] = "no detail";
  if (const auto code = ERR_get_error()) ERR_error_string_n(code, text, sizeof text);
  throw std::runtime_error(what + ": " + text);
}

size_t content_length(std::string_view head) {
  static constexpr std::string_view kName = "\r\nContent-Length: ";
  const auto at = head.find(kName);
  size_t n = 0;
  if (at == std::string_view::npos ||
      std::from_chars(head.data() + at + kName.size(), head.data() + head.size(), n).ec != std::errc())
    throw std::runtime_error("an answer without Content-Length: " + std::string(head));
  return n;
}
}  // namespace

HttpsClient::HttpsClient(const Server& server) : context_(SSL_CTX_new(TLS_client_method())) {
  if (!context_ || SSL_CTX_load_verify_file(context_.get(), server.ca.c_str()) != 1) tls_failed(server.ca);
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  if (SSL_CTX_use_certificate_chain_file(context_.get(), server.cert.c_str()) != 1) tls_failed(server.cert);
  if (SSL_CTX_use_PrivateKey_file(context_.get(), server.key.c_str(), SSL_FILETYPE_PEM) != 1) tls_failed(server.key);

  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd_ < 0 || ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot connect to 127.0.0.1:" + std::to_string(server.port) + ": " +
                             std::strerror(errno));
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ssl_.reset(SSL_new(context_.get()));
  if (!ssl_ || SSL_set_fd(ssl_.get(), fd_) != 1 || SSL_set1_host(ssl_.get(), "localhost") != 1 ||
      SSL_connect(ssl_.get()) != 1)
    tls_failed("TLS handshake");
}

HttpsClient::~HttpsClient() {
  if (ssl_) SSL_shutdown(ssl_.get());
  if (fd_ >= 0) ::close(fd_);
}

void HttpsClient::send_all(std::string_view bytes) {
  if (SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) <= 0) tls_failed("send");
}

void HttpsClient::receive() {
  const auto have = in_.size();
  in_.resize(have + kReadSize);
  const int n = SSL_read(ssl_.get(), in_.data() + have, static_cast<int>(kReadSize));
  if (n <= 0) tls_failed("the service closed the connection");
  in_.resize(have + static_cast<size_t>(n));
}

Answer HttpsClient::request(std::string_view method, std::string_view target, std::string_view body, int wait_seconds) {
  out_.clear();
  out_.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n");
  if (wait_seconds > 0) out_.append("Prefer: wait=").append(std::to_string(wait_seconds)).append("\r\n");
  if (!body.empty())
    out_.append("Content-Type: application/json\r\nContent-Length: ")
        .append(std::to_string(body.size()))
        .append("\r\n");
  out_.append("\r\n").append(body);
  send_all(out_);

  in_.clear();
  size_t head = std::string::npos;
  while ((head = in_.find("\r\n\r\n")) == std::string::npos) receive();
  head += 4;
  const auto length = content_length(std::string_view(in_).substr(0, head));
  while (in_.size() < head + length) receive();
  Answer a;
  std::from_chars(in_.data() + 9, in_.data() + 12, a.status);
  a.body = std::string_view(in_).substr(head, length);
  return a;
}

}  // namespace vbs::bench
