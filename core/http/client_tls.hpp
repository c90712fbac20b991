// The client's half of TLS: files read and checked once, then put into each context that cpprestsdk makes (it makes one
// for each connection, trusting the system's CAs), and the reason why a handshake failed, which cpprestsdk drops.
#pragma once
#include <memory>
#include <mutex>
#include <string>

#include <boost/asio/ssl/context.hpp>

#include "core/http/client.hpp"

namespace vbs::http {

class ClientTls {
 public:
  // `host`: the name or IPv4 address that the server's certificate must have. Throws Error(invalid) naming the file.
  ClientTls(const ClientOptions& options, std::string host);
  void apply(boost::asio::ssl::context& context);  // from cpprestsdk's threads
  std::string take_reason();    // why the last handshake failed, from our side or (an alert) the server's; or ""
  bool take_refused_by_peer();  // the server sent an alert about our certificate

 private:
  static int verify(X509_STORE_CTX* store, void* self);
  static void watch(const SSL* ssl, int where, int value);
  void note(std::string reason, bool by_peer);

  std::string host_;
  bool is_address_ = false;
  boost::asio::ssl::context files_;
  std::mutex mutex_;
  std::string reason_;
  bool refused_by_peer_ = false;
};

}  // namespace vbs::http
