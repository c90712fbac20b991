#include "core/http/client_tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <boost/asio/ip/address.hpp>

#include "core/http/tls.hpp"

namespace vbs::http {
namespace {
int self_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}
}  // namespace

ClientTls::ClientTls(const ClientOptions& options, std::string host)
    : host_(std::move(host)), files_(boost::asio::ssl::context::tls_client) {
  boost::system::error_code ec;
  boost::asio::ip::make_address(host_, ec);
  is_address_ = !ec;
  ERR_clear_error();
  const auto bad = [](const std::string& what, const std::string& file, const char* field) {
    return Error(Code::invalid, "cannot use the " + what + " '" + file + "': " + openssl_error(), field);
  };
  SSL_CTX* ssl = files_.native_handle();
  if (options.ca.empty())
    throw Error(Code::invalid, "no CA file; name the PEM file of the CA that signed the server's certificate", "ca");
  if (SSL_CTX_load_verify_file(ssl, options.ca.c_str()) != 1) throw bad("CA file", options.ca, "ca");
  if (options.cert.empty() != options.key.empty())
    throw Error(Code::invalid, "a client certificate and its key go together; give both or none",
                options.cert.empty() ? "cert" : "key");
  if (options.cert.empty()) return;
  if (SSL_CTX_use_certificate_chain_file(ssl, options.cert.c_str()) != 1)
    throw bad("client certificate", options.cert, "cert");
  if (SSL_CTX_use_PrivateKey_file(ssl, options.key.c_str(), SSL_FILETYPE_PEM) != 1)
    throw bad("client key", options.key, "key");
}

void ClientTls::apply(boost::asio::ssl::context& context) {
  SSL_CTX* to = context.native_handle();
  SSL_CTX* from = files_.native_handle();
  SSL_CTX_set_min_proto_version(to, TLS1_2_VERSION);
  SSL_CTX_set1_cert_store(to, SSL_CTX_get_cert_store(from));  // instead of the system's CAs
  auto* param = SSL_CTX_get0_param(to);
  bool ok = true;
  if (is_address_) {
    ok = X509_VERIFY_PARAM_set1_ip_asc(param, host_.c_str()) == 1;
  } else {
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    ok = X509_VERIFY_PARAM_set1_host(param, host_.c_str(), host_.size()) == 1;
  }
  if (X509* cert = SSL_CTX_get0_certificate(from); ok && cert) {
    STACK_OF(X509)* chain = nullptr;
    ok = SSL_CTX_use_certificate(to, cert) == 1 && SSL_CTX_use_PrivateKey(to, SSL_CTX_get0_privatekey(from)) == 1 &&
         SSL_CTX_get0_chain_certs(from, &chain) == 1 && SSL_CTX_set1_chain(to, chain) == 1;
  }
  if (!ok) throw Error(Code::internal, "cannot prepare TLS: " + openssl_error());
  SSL_CTX_set_cert_verify_callback(to, &ClientTls::verify, this);
  SSL_CTX_set_ex_data(to, self_index(), this);
  SSL_CTX_set_info_callback(to, &ClientTls::watch);
}

int ClientTls::verify(X509_STORE_CTX* store, void* self) {
  const int ok = X509_verify_cert(store);
  if (ok != 1)
    static_cast<ClientTls*>(self)->note(std::string("the server's certificate is not accepted: ") +
                                            X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)),
                                        false);
  return ok;
}

void ClientTls::watch(const SSL* ssl, int where, int value) {
  if (!(where & SSL_CB_READ) || !(where & SSL_CB_ALERT)) return;
  if ((value & 0xff) == SSL_AD_CLOSE_NOTIFY) return;
  if (auto* self = static_cast<ClientTls*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), self_index())))
    self->note(std::string("the server ended TLS with '") + SSL_alert_desc_string_long(value) +
                   "'; is our certificate of its CA, in date, and for clients?",
               true);
}

void ClientTls::note(std::string reason, bool by_peer) {
  std::lock_guard lock(mutex_);
  reason_ = std::move(reason);
  refused_by_peer_ = by_peer;
}

std::string ClientTls::take_reason() {
  std::lock_guard lock(mutex_);
  return std::exchange(reason_, {});
}

bool ClientTls::take_refused_by_peer() {
  std::lock_guard lock(mutex_);
  return std::exchange(refused_by_peer_, false);
}
}  // namespace vbs::http
