// vbsd: the service. One process, one store; the main thread only waits for a signal to stop.
#include <csignal>
#include <cstdlib>
#include <iostream>

#include <CLI/CLI.hpp>

#include "adapters/vbs/api.hpp"
#include "core/base/log.hpp"
#include "core/base/version.hpp"

namespace {

// Handlers may wait for a commit, so that there are more of them than clients that change things at one time.
constexpr unsigned kHandlerThreads = 32;

vbs::PluginHostOptions plugin_options(const vbs::Config& config) {
  vbs::PluginHostOptions p;
  p.directories = config.plugin_directories;
  if (p.directories.empty()) p.directories.push_back(VBS_PLUGIN_DIR);
  p.probe_program = "/proc/self/exe";
  p.commands = config.commands;
  return p;
}

vbs::http::ServerOptions server_options(const vbs::Config& config) {
  vbs::http::ServerOptions o;
  o.address = config.address;
  o.port = config.port;
  o.tls = vbs::http::TlsFiles{config.certificate, config.key, config.client_ca};
  o.handler_threads = kHandlerThreads;
  return o;
}

// Blocked in every thread, so that only wait_for_signal() sees them.
sigset_t stop_signals() {
  sigset_t s;
  sigemptyset(&s);
  sigaddset(&s, SIGTERM);
  sigaddset(&s, SIGINT);
  return s;
}

int serve(const std::string& config_file) {
  const auto signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  const auto config = vbs::load_config(config_file);
  vbs::set_log_level(config.log_level);
  vbs::Core core(config, plugin_options(config));
  core.start();
  vbs::http::Server server(server_options(config));
  vbs::native::add_routes(server, core);
  server.start();
  vbs::logger().info("vbsd {} serves https://{}:{}", vbs::kVersion, config.address, server.port());

  int signal = 0;
  sigwait(&signals, &signal);
  vbs::logger().info("stopping ({}): what is not finished goes on at the next start", strsignal(signal));
  core.engine.stop();  // first, so that long polls are answered and do not hold the server up
  server.stop();
  if (const auto hanging = core.registry.hanging()) {
    vbs::logger().warn(
        "{} plugin calls do not return: vbsd ends without them, their operations go on at the next start", hanging);
    core.timer.stop();
    core.database.writer().stop();
    std::_Exit(0);  // threads that are inside a plugin cannot be joined
  }
  return 0;
}
}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"vbsd, the service of VBS (Virtual Block Store)"};
  app.set_version_flag("--version", std::string("vbsd ") + vbs::kVersion);
  std::string config = "/etc/vbs/vbsd.yaml", probe;
  app.add_option("--config", config, "configuration file")->capture_default_str();
  app.add_option("--probe-plugin", probe, "load a plugin in this process, say whether it is acceptable, and end")
      ->group("");
  bool check = false;
  app.add_flag("--check", check, "read the configuration, say whether it is right, and end");
  CLI11_PARSE(app, argc, argv);
  try {
    if (!probe.empty()) return vbs::probe_plugin(probe);
    if (!check) return serve(config);
    vbs::load_config(config);
    std::cout << config << " is right\n";
    return 0;
  } catch (const std::exception& e) {
    std::cerr << "vbsd: " << e.what() << "\n";
    return 1;
  }
}
