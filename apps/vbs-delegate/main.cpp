// vbs-delegate: the agent on a volume server or VMM node. Runs plugins for vbsd; the main thread only waits for a
// signal to stop.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>

#include <CLI/CLI.hpp>

#include "apps/vbs-delegate/enroll.hpp"
#include "core/base/log.hpp"
#include "core/base/unique_fd.hpp"
#include "core/base/version.hpp"
#include "core/delegates/server/config.hpp"
#include "core/delegates/server/server.hpp"

namespace {
constexpr std::chrono::seconds kPatience{10};  // of a stop, with running calls

std::string installed_plugins() {
  const auto program = std::filesystem::canonical("/proc/self/exe");
  return (program.parent_path() / VBS_PLUGINS_FROM_PROGRAM).lexically_normal().string();
}

vbs::PluginHostOptions plugin_options(const vbs::AgentConfig& config) {
  vbs::PluginHostOptions p;
  p.directories = config.plugin_directories;
  if (p.directories.empty()) p.directories.push_back(installed_plugins());
  p.probe_program = "/proc/self/exe";
  p.commands = config.commands;
  p.connectors = config.connectors;
  return p;
}

// Two with one state would each think to know the highest attempt.
vbs::UniqueFd lock_state(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  vbs::UniqueFd fd(open((directory + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd)
    throw vbs::Error(vbs::Code::unavailable,
                     "state_directory " + directory + " cannot be written: " + std::strerror(errno));
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
    throw vbs::Error(vbs::Code::conflict,
                     "another vbs-delegate uses state_directory " + directory + ": stop it, or give each its own");
  return fd;
}

// Blocked in every thread, so that only sigwait() sees them.
sigset_t stop_signals() {
  sigset_t s;
  sigemptyset(&s);
  sigaddset(&s, SIGTERM);
  sigaddset(&s, SIGINT);
  return s;
}

// Of a delegate that vbsd has spawned: it ends with vbsd, as a plugin in vbsd itself would.
void end_with(pid_t parent) {
  if (parent == 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) throw vbs::Error(vbs::Code::unavailable, "the vbsd that started it has ended");
}

int serve(const std::string& config_file, pid_t parent) {
  end_with(parent);
  const auto signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  const auto config = vbs::load_agent_config(config_file);
  vbs::set_log_level(config.log_level);
  vbs::LogTap::install();
  const auto lock = lock_state(config.state_directory);
  vbs::PluginHost plugins(plugin_options(config));
  plugins.scan();
  vbs::Agent agent({config.name, config.state_directory, config.backends, config.hosts}, plugins, plugins.plugins());
  auto server = std::make_unique<vbs::DelegateServer>(agent, config.listen, config.tls);
  vbs::logger().info("vbs-delegate {} '{}' serves {}{}", vbs::kVersion, config.name, config.listen,
                     server->port() != 0 ? ", port " + std::to_string(server->port()) : "");

  int signal = 0;
  sigwait(&signals, &signal);
  vbs::logger().info("stopping ({})", strsignal(signal));
  const bool ended = agent.stop(kPatience);
  server.reset();
  if (ended) return 0;
  vbs::logger().warn("calls do not return: vbs-delegate ends without them, vbsd asks what is true");
  std::_Exit(0);  // threads that are inside a plugin cannot be joined
}
}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"vbs-delegate, the agent of VBS (Virtual Block Store) on a volume server or VMM node"};
  app.set_version_flag("--version", std::string("vbs-delegate ") + vbs::kVersion);
  std::string config = "/etc/vbs/vbs-delegate.yaml", probe;
  bool check_only = false;
  pid_t parent = 0;
  app.add_option("--config", config, "configuration file")->capture_default_str();
  app.add_flag("--check", check_only, "read the configuration, say what is wrong, and end");
  app.add_option("--probe-plugin", probe, "load a plugin in this process, say whether it is acceptable, and end")
      ->group("");
  app.add_option("--parent", parent, "process id of the vbsd that starts it, to end with")->group("");
  std::string server, token, directory = "/etc/vbs";
  auto* enroll = app.add_subcommand("enroll", "Make a key and get its certificate from vbsd, with a one-time token");
  enroll->add_option("--server", server, "https://HOST:PORT of vbsd")->required();
  enroll->add_option("--token", token, "what `vbs delegates enroll` has printed")->required();
  enroll->add_option("--out", directory, "directory for key.pem, cert.pem and ca.pem")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    if (enroll->parsed()) {
      vbs::enroll(server, token, directory);
      return 0;
    }
    if (!probe.empty()) return vbs::probe_plugin(probe);
    if (check_only) {
      vbs::load_agent_config(config);
      std::cout << config << " is right\n";
      return 0;
    }
    return serve(config, parent);
  } catch (const std::exception& e) {
    std::cerr << "vbs-delegate: " << e.what() << "\n";
    return 1;
  }
}
