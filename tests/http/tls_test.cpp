// Who is who over TLS, and who does not get in.
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "tests/http/fixture.hpp"

namespace vbs::test {
namespace {
using namespace std::chrono_literals;
const std::string kWho = "GET /who HTTP/1.1\r\nHost: localhost\r\n\r\n";

class Tls : public ::testing::Test {
 protected:
  void start(bool want_clients = true, http::Limits limits = {}) {
    const auto files = ca_.server();
    server_ = std::make_unique<http::Server>(http::ServerOptions{
        .tls = http::TlsFiles{files.cert, files.key, want_clients ? ca_.file() : ""}, .limits = limits});
    add_test_routes(*server_);
    server_->route("GET", "/certificate", [](const http::Request& request, http::Reply reply) {
      const auto& c = request.peer.certificate.value();
      std::string body = c.subject + "\n" + c.issuer + "\n" + c.serial + "\n" + request.peer.address;
      for (const auto& uri : c.uri_sans) body += "\n" + uri;
      reply({.content_type = "text/plain", .body = body});
    });
    server_->start();
  }
  std::string ask(SSL_CTX* context, const std::string& request = kWho) {
    RawClient client(server_->port(), context);
    client.send(request);
    return client.read_response().body;
  }
  // In TLS 1.3 the client is done before the server has looked at its certificate; the refusal comes with the first
  // read.
  bool refused(const PemFiles& files, int max_version = 0) {
    try {
      TlsClientContext context(ca_.file(), files, max_version);
      RawClient client(server_->port(), context);
      client.send(kWho);
      return client.read_response().status == 401;
    } catch (const std::runtime_error&) {
      ERR_clear_error();
      return true;
    }
  }
  TempDir dir_;
  Ca ca_{dir_.path(), "ca"}, other_{dir_.path(), "other"};
  std::unique_ptr<http::Server> server_;
};

TEST_F(Tls, HandlerSeesWhoAsks) {
  start();
  const auto alice = ca_.client("alice", {.subject = {{"O", "Ex, ample"}, {"CN", "J\u00fcrgen\n"}},
                                          .alt_names = "DNS:x,URI:spiffe://example/alice,URI:urn:b"});
  const auto text = ask(TlsClientContext(ca_.file(), alice), "GET /certificate HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(text.starts_with("CN=J\u00fcrgen\\0A,O=Ex\\, ample\nCN=ca,O=Test\n")) << text;
  EXPECT_TRUE(text.ends_with("\n127.0.0.1\nspiffe://example/alice\nurn:b")) << text;
}

TEST_F(Tls, MissingCertificateIsAClear401) {
  start();
  TlsClientContext context(ca_.file());
  RawClient client(server_->port(), context);
  client.send(kWho);
  const auto response = client.read_response();
  expect_error(response, 401, "unauthenticated");
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(Tls, WrongCertificatesAreRefused) {
  start();
  for (const int version : {0, TLS1_2_VERSION}) {
    EXPECT_TRUE(refused(other_.client("alice"), version));
    EXPECT_TRUE(refused(ca_.client("expired", {.from = -48h, .until = -24h}), version));
    EXPECT_TRUE(refused(ca_.client("future", {.from = 24h, .until = 48h}), version));
    EXPECT_TRUE(refused(ca_.client("server", {.extended_usage = "serverAuth"}), version));
    EXPECT_FALSE(refused(ca_.client("good"), version));
  }
}

TEST_F(Tls, CertificateThatExpiresDuringAConnectionIs401) {
  start();
  TlsClientContext context(ca_.file(), ca_.client("brief", {.until = 2s}));
  RawClient client(server_->port(), context);
  client.send(kWho);
  EXPECT_EQ(client.read_response().status, 200);
  std::this_thread::sleep_for(3s);
  client.send(kWho);
  expect_error(client.read_response(), 401, "unauthenticated");
}

TEST_F(Tls, OldVersionsAreRefused) {
  start(false);
  TlsClientContext context(ca_.file(), {}, TLS1_1_VERSION);
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
  EXPECT_THROW(ask(context), std::runtime_error);
  ERR_clear_error();
}

TEST_F(Tls, WithoutAClientCaNobodyIsAskedForACertificate) {
  start(false);
  EXPECT_EQ(ask(TlsClientContext(ca_.file(), ca_.client("alice"))), "nobody");
  EXPECT_EQ(ask(TlsClientContext(ca_.file())), "nobody");
}

TEST_F(Tls, ResumedSessionHasTheSameIdentity) {
  start();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto files = ca_.client("alice");
    TlsClientContext context(ca_.file(), files, version);
    SSL_SESSION* session = nullptr;
    {
      RawClient client(server_->port(), context);
      client.send(kWho);
      EXPECT_EQ(client.read_response().body, "CN=alice,O=Test");
      EXPECT_FALSE(SSL_session_reused(client.ssl()));
      session = SSL_get1_session(client.ssl());
    }
    RawClient again(server_->port(), context, session);
    EXPECT_TRUE(SSL_session_reused(again.ssl())) << version;
    again.send(kWho);
    EXPECT_EQ(again.read_response().body, "CN=alice,O=Test");
    SSL_SESSION_free(session);
  }
}

TEST_F(Tls, SessionWithoutACertificateDoesNotGainOneByResumption) {
  start();
  TlsClientContext nobody(ca_.file());
  SSL_SESSION* session = nullptr;
  {
    RawClient client(server_->port(), nobody);
    client.send(kWho);
    EXPECT_EQ(client.read_response().status, 401);
    session = SSL_get1_session(client.ssl());
  }
  RawClient again(server_->port(), nobody, session);
  again.send(kWho);
  EXPECT_EQ(again.read_response().status, 401);
  SSL_SESSION_free(session);
}

TEST_F(Tls, ThirtyTwoClientsAtOnceAreEachTakenForThemselves) {
  start();
  std::vector<std::thread> threads;
  std::atomic<int> right = 0, wrong = 0;
  for (int i = 0; i < 32; ++i) {
    const auto name = "user" + std::to_string(i);
    threads.emplace_back([&, name, files = ca_.client(name)] {
      try {
        TlsClientContext context(ca_.file(), files);
        for (int connection = 0; connection < 4; ++connection) {
          RawClient client(server_->port(), context);
          for (int n = 0; n < 25; ++n) {
            client.send(kWho);
            ++(client.read_response().body == "CN=" + name + ",O=Test" ? right : wrong);
          }
        }
      } catch (const std::exception&) {
        ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 32 * 100);
  EXPECT_EQ(wrong, 0);
}

TEST_F(Tls, StalledHandshakeIsCutOff) {
  start(true, quick_limits());
  RawClient client(server_->port());
  client.send("\x16\x03\x01");
  EXPECT_TRUE(client.closed_by_server());
}

TEST_F(Tls, PlainHttpOnATlsPortEndsTheConnection) {
  start();
  RawClient client(server_->port());
  client.send(kWho);
  const auto answer = client.read_some();  // at most a TLS alert
  EXPECT_EQ(answer.find("HTTP"), std::string::npos);
}

TEST_F(Tls, BadFilesAreNamedAtOnce) {
  const auto files = ca_.server();
  const auto refusal = [](http::TlsFiles tls) -> std::string {
    try {
      http::Server server({.tls = std::move(tls)});
    } catch (const Error& e) {
      return e.field() + ": " + e.what();
    }
    return "accepted";
  };
  EXPECT_TRUE(refusal({"/nowhere.pem", files.key, ""}).starts_with("tls.cert: "))
      << refusal({"/nowhere.pem", files.key, ""});
  EXPECT_NE(refusal({"/nowhere.pem", files.key, ""}).find("No such file"), std::string::npos);
  EXPECT_TRUE(refusal({files.cert, "/nowhere.key", ""}).starts_with("tls.key: "));
  EXPECT_TRUE(refusal({files.cert, other_.server().key, ""}).starts_with("tls.key: "));
  EXPECT_TRUE(refusal({files.cert, files.key, files.key}).starts_with("tls.client_ca: "));
  chmod(files.key.c_str(), 0644);
  EXPECT_NE(refusal({files.cert, files.key, ""}).find("chmod"), std::string::npos);
}
}  // namespace
}  // namespace vbs::test
