// The real program `vbs` over real HTTPS with certificates of its own CA. The service behind the HTTPS edge is a
// stand-in with five fixed routes; the command line against a whole vbsd is tested with vbsd.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "core/base/ids.hpp"
#include "core/http/server.hpp"
#include "core/identity/certificate_authority.hpp"
#include "core/identity/pem_file.hpp"
#include "tests/cli/temporary_directory.hpp"

extern char** environ;

namespace vbs {
namespace {

constexpr const char* kOperation =
    R"({"operation":{"id":"8c010000-0000-4000-8000-000000000003","kind":"delete-volume","state":"running"}})";
constexpr const char* kVolumeId = "3f2a0000-0000-4000-8000-000000000001";

struct Ended {
  int code = -1;
  std::string out, err;
};

struct HttpsTest : testing::Test {
  void SetUp() override {
    const char* build = std::getenv("VBS_BUILD_DIR");
    program = std::string(build ? build : ".") + "/bin/vbs";
    if (!std::filesystem::exists(program))
      GTEST_FAIL() << program << " is missing: build the target vbs, run through ctest";
    make_certificates();
    server = std::make_unique<http::Server>(
        http::ServerOptions{.tls = http::TlsFiles{at("server-cert"), at("server-key"), at("ca")}});
    server->route("GET", "/v1/whoami", [](const http::Request& r, http::Reply reply) {
      reply({.body = R"({"user":{"subject":")" + r.peer.certificate.value().subject + R"("}})"});
    });
    server->route("DELETE", "/v1/volumes/{id}",
                  [](const http::Request&, http::Reply reply) { reply({.status = 202, .body = kOperation}); });
    server->route("GET", "/v1/operations/{id}", [this](const http::Request&, http::Reply reply) {
      const std::lock_guard lock(mutex);
      held.push_back(std::move(reply));
      polled = true;
    });
    server->route("POST", "/v1/volumes", [this](const http::Request& r, http::Reply) {
      idempotency_key = std::string(r.header("Idempotency-Key").value_or(""));
      throw Error(Code::conflict, "name 'data' is taken");
    });
    server->start();
  }
  void TearDown() override {
    release();
    if (server) server->stop();
  }
  void release() {
    const std::lock_guard lock(mutex);
    for (auto& reply : held) reply({.body = kOperation});
    held.clear();
  }

  void make_certificates() {
    CertificateAuthority::init(directory / "authority", "Test CA");
    const CertificateAuthority ca(directory / "authority");
    write("ca", ca.certificate_pem());
    write("server", ca.issue({.kind = CertificateKind::server,
                              .subject = "CN=vbsd",
                              .dns_names = {"localhost"},
                              .ip_addresses = {"127.0.0.1"}}));
    write("alice", ca.issue({.kind = CertificateKind::user, .subject = "CN=alice,O=VBS"}));
    CertificateAuthority::init(directory / "stranger", "Test CA");
    const CertificateAuthority other(directory / "stranger");
    write("other-ca", other.certificate_pem());
    write("eve", other.issue({.kind = CertificateKind::user, .subject = "CN=alice,O=VBS"}));
  }
  void write(const std::string& name, const std::string& pem) {
    write_file_atomically(at(name), pem, 0600, IfExists::refuse);
  }
  void write(const std::string& name, const KeyAndCertificate& made) {
    write(name + "-cert", made.certificate_pem);
    write(name + "-key", made.key_pem);
  }
  std::string at(const std::string& name) const { return (directory / (name + ".pem")).string(); }

  // Starts `vbs ARGUMENTS` as `who`, with output into files.
  pid_t start(std::vector<std::string> arguments, const std::string& who = "alice", const std::string& ca = "ca",
              const char* host = "localhost") {
    std::vector<std::string> all{program,
                                 "--url",
                                 std::string("https://") + host + ":" + std::to_string(server->port()),
                                 "--ca",
                                 at(ca),
                                 "--cert",
                                 at(who + "-cert"),
                                 "--key",
                                 at(who + "-key")};
    all.insert(all.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (auto& a : all) argv.push_back(a.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    const std::string out = (directory / "out").string(), err = (directory / "err").string();
    posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    pid_t pid = -1;
    EXPECT_EQ(posix_spawn(&pid, program.c_str(), &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
  }
  Ended finish(pid_t pid) {
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_small_file(directory / "out"),
            read_small_file(directory / "err")};
  }

  test::TemporaryDirectory directory;
  std::string program;
  std::unique_ptr<http::Server> server;
  std::mutex mutex;
  std::vector<http::Reply> held;
  std::atomic<bool> polled{false};
  std::string idempotency_key;
};

TEST_F(HttpsTest, TheServiceSeesTheSubjectThatTheCaSigned) {
  const auto e = finish(start({"whoami", "--json"}));
  EXPECT_EQ(e.code, 0) << e.err;
  EXPECT_NE(e.out.find("\"CN=alice,O=VBS\""), std::string::npos) << e.out;
}

TEST_F(HttpsTest, TheSameNameFromAnotherCaIsNotLetIn) {
  const auto e = finish(start({"whoami"}, "eve"));
  EXPECT_TRUE(e.code == 3 || e.code == 4) << e.code << e.err;
  EXPECT_EQ(e.out, "");
}

TEST_F(HttpsTest, AServiceOfAnotherCaIsNotTrusted) {
  const auto e = finish(start({"whoami"}, "alice", "other-ca"));
  EXPECT_EQ(e.code, 3) << e.err;
  EXPECT_NE(e.err.find("hint:"), std::string::npos) << e.err;
}

TEST_F(HttpsTest, TheAddressInTheCertificateIsAsGoodAsTheName) {
  EXPECT_EQ(finish(start({"whoami"}, "alice", "ca", "127.0.0.1")).code, 0);
}

TEST_F(HttpsTest, ARefusalKeepsItsWordsAndItsExitCode) {
  const auto e = finish(start({"create-volume", "1GiB", "--name", "data"}));
  EXPECT_EQ(e.code, 6) << e.err;
  EXPECT_NE(e.err.find("vbs: error: name 'data' is taken"), std::string::npos) << e.err;
  EXPECT_TRUE(is_uuid(idempotency_key));
}

TEST_F(HttpsTest, CtrlCWhileWaitingSaysThatTheOperationGoesOn) {
  const pid_t pid = start({"delete-volume", kVolumeId});
  for (int i = 0; i < 1000 && !polled; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ASSERT_TRUE(polled);
  ASSERT_EQ(::kill(pid, SIGINT), 0);
  const auto e = finish(pid);
  EXPECT_EQ(e.code, 130);
  EXPECT_NE(e.err.find("the operation goes on"), std::string::npos) << e.err;
  EXPECT_NE(e.err.find("vbs operations cancel 8c010000-0000-4000-8000-000000000003"), std::string::npos) << e.err;
}

TEST_F(HttpsTest, NobodyListeningIsExitCodeThree) {
  server->stop();
  const auto e = finish(start({"whoami"}));
  EXPECT_EQ(e.code, 3) << e.err;
  EXPECT_NE(e.err.find("is vbsd running"), std::string::npos) << e.err;
}
}  // namespace
}  // namespace vbs
