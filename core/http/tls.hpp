// OpenSSL for the server: one context for all connections, and who the peer is.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/ssl/context.hpp>

#include "core/http/message.hpp"
#include "core/http/server.hpp"

namespace vbs::http {

// TLS 1.2 with forward secrecy and AEAD ciphers, or 1.3; no renegotiation, no compression. With a client CA a
// certificate is asked for but not demanded (its absence gets a 401 that says so); one that does not verify ends the
// handshake. Throws Error(invalid) naming the file and what is wrong with it.
std::shared_ptr<boost::asio::ssl::context> server_context(const TlsFiles& files);

// The verified certificate of the peer, also after a resumed session; nothing without one.
std::optional<Certificate> peer_certificate(SSL* ssl);

std::string openssl_error();  // the oldest error of this thread's queue, as text; empties the queue

}  // namespace vbs::http
