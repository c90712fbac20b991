// How many small requests a second, over TLS with client certificates and kept-alive connections, client and server in
// one process; then large answers. Usage: bench_http [seconds] [connections]
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "core/base/log.hpp"
#include "tests/http/fixture.hpp"

int main(int argc, char** argv) {
  using namespace vbs;
  const int seconds = argc > 1 ? std::atoi(argv[1]) : 3;
  const int connections = argc > 2 ? std::atoi(argv[2]) : 8;
  set_log_level("warning");
  test::TempDir dir;
  test::Ca ca(dir.path(), "ca");
  const auto files = ca.server();
  const auto client_files = ca.client("bench");
  http::Server server({.tls = http::TlsFiles{files.cert, files.key, ca.file()}, .handler_threads = 2});
  test::add_test_routes(server);
  const std::string large(600 * 1024, 'x');
  server.route("GET", "/large", [&](const http::Request&, http::Reply reply) { reply({.body = large}); });
  server.start();
  test::TlsClientContext context(ca.file(), client_files);
  for (const std::string path : {"/ping", "/large"}) {
    const auto request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    std::atomic<bool> go_on = true;
    std::atomic<long> count = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < connections; ++i)
      threads.emplace_back([&] {
        test::RawClient client(server.port(), context);
        for (; go_on; ++count) {
          client.send(request);
          if (client.read_response().status != 200) std::abort();
        }
      });
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
    go_on = false;
    for (auto& thread : threads) thread.join();
    std::printf("%-8s %9.0f requests/s over %d TLS connections\n", path.c_str(), static_cast<double>(count) / seconds,
                connections);
  }
  std::atomic<long> handshakes = 0;
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - start < std::chrono::seconds(seconds)) {
    test::RawClient client(server.port(), context);
    client.send("GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.read_response();
    ++handshakes;
  }
  std::printf("%-8s %9.0f new connections with full handshake/s, one after the other\n", "/ping",
              static_cast<double>(handshakes) / seconds);
}
