// vbsd: the service. One process, one store; the main thread only waits for a signal to stop.
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include <CLI/CLI.hpp>

#include "adapters/vbs/api.hpp"
#include "core/base/json.hpp"
#include "core/base/log.hpp"
#include "core/base/version.hpp"
#include "core/service/config_check.hpp"
#include "core/service/config_keys.hpp"
#include "core/service/rebuild.hpp"

namespace {

// Handlers may wait for a commit, so that there are more of them than clients that change things at one time.
constexpr unsigned kHandlerThreads = 32;
constexpr size_t kOpenFiles = 16384;  // as in the systemd unit
constexpr size_t kOwnFiles = 512;     // of them for the store, plugins and their child processes

std::string installed_plugins() {
  const auto program = std::filesystem::canonical("/proc/self/exe");
  return (program.parent_path() / VBS_PLUGINS_FROM_PROGRAM).lexically_normal().string();
}

vbs::PluginHostOptions plugin_options(const vbs::Config& config) {
  vbs::PluginHostOptions p;
  p.directories = config.plugin_directories;
  if (p.directories.empty()) p.directories.push_back(installed_plugins());
  p.probe_program = "/proc/self/exe";
  p.commands = config.commands;
  p.connectors = config.connectors;
  p.apart = [own = config.plugins_in_process](const std::string& name) {
    const bool shipped = std::string_view(VBS_SHIPPED_PLUGINS).find("," + name + ",") != std::string_view::npos;
    return !shipped && std::find(own.begin(), own.end(), name) == own.end();
  };
  return p;
}

// Beside this program, in the build tree as in an installation.
vbs::SpawnOptions spawn_options(const vbs::Config& config) {
  vbs::SpawnOptions s;
  s.program = (std::filesystem::canonical("/proc/self/exe").parent_path() / "vbs-delegate").string();
  s.directory = config.data_dir + "/delegates";
  s.plugins = plugin_options(config).directories;
  s.log_level = config.log_level;
  vbs::JsonBuffer buffer;
  vbs::JsonWriter w(buffer);
  w.StartObject();
  for (const auto& [plugin, patterns] : config.commands) {
    vbs::key(w, plugin.c_str());
    w.StartObject();
    for (const auto& [name, argv] : patterns) {
      vbs::key(w, name.c_str());
      w.StartArray();
      for (const auto& word : argv) vbs::put(w, word);
      w.EndArray();
    }
    w.EndObject();
  }
  w.EndObject();
  s.commands.assign(buffer.GetString(), buffer.GetSize());
  return s;
}

// A login shell or a unit without LimitNOFILE gives 1,024 descriptors, fewer than the connections that the edge admits:
// strangers could then take those that the store and the plugins need.
size_t connections_for(size_t wanted) {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return wanted;
  files.rlim_cur = std::max(files.rlim_cur, std::min<rlim_t>(files.rlim_max, kOpenFiles));
  setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur >= wanted + kOwnFiles) return wanted;
  const auto left = files.rlim_cur > 2 * kOwnFiles ? files.rlim_cur - kOwnFiles : files.rlim_cur / 2;
  vbs::logger().warn(
      "only {} files may be open: at most {} connections instead of {} are served; raise the limit "
      "(systemd: LimitNOFILE, shell: ulimit -Hn) to {}",
      files.rlim_cur, left, wanted, kOpenFiles);
  return left;
}

vbs::http::ServerOptions server_options(const vbs::Config& config) {
  vbs::http::ServerOptions o;
  o.address = config.address;
  o.port = config.port;
  o.tls = vbs::http::TlsFiles{config.certificate, config.key, config.client_ca};
  o.handler_threads = kHandlerThreads;
  if (!config.delegate_ca.empty()) o.open_target = "/v1/enroll";
  o.limits.connections = connections_for(o.limits.connections);
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
  vbs::Core core(config, plugin_options(config), {}, nullptr, spawn_options(config));
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

int check(const std::string& config_file) {
  const auto config = vbs::load_config(config_file);
  const auto problems = vbs::check_config(config, plugin_options(config).directories);
  for (const auto& p : problems) std::cerr << "vbsd: " << config_file << ": " << vbs::for_log(p, 2048) << "\n";
  if (problems.empty()) std::cout << config_file << " is right\n";
  return problems.empty() ? 0 : 1;
}

int rebuild(const std::string& config_file) {
  const auto config = vbs::load_config(config_file);
  vbs::set_log_level(config.log_level);
  vbs::PluginHost plugins(plugin_options(config));
  plugins.scan();
  vbs::Delegates delegates(plugins, config.delegates, config.delegate_tls, spawn_options(config));
  const auto made = vbs::rebuild_store(config, delegates);
  std::cout << "the store in " << config.data_dir << " is rebuilt: " << made.volumes << " volumes, " << made.snapshots
            << " snapshots, " << made.attachments << " attachments, " << made.users << " owners\n";
  for (const auto& note : made.notes) std::cout << "note: " << vbs::for_log(note, 2048) << "\n";
  std::cout << "not in what the back-ends keep: grants, owners of VMs (`vbs hosts owner`), the audit trail\n"
               "next: start vbsd, then `vbs reconcile`\n";
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
  bool check_only = false, print_reference = false, make_new_store = false;
  app.add_flag("--rebuild", make_new_store,
               "make a new store out of what the back-ends and hypervisors have, and end; for when the store is lost");
  app.add_flag("--check", check_only,
               "read the configuration, settings of plugins included, say what is wrong, and end");
  app.add_flag("--print-config-reference", print_reference,
               "print every key of the configuration as a table in Markdown, and end");
  CLI11_PARSE(app, argc, argv);
  try {
    if (!probe.empty()) return vbs::probe_plugin(probe);
    if (print_reference) {
      std::cout << vbs::config_reference();
      return 0;
    }
    if (check_only) return check(config);
    if (make_new_store) return rebuild(config);
    return serve(config);
  } catch (const std::exception& e) {
    std::cerr << "vbsd: " << e.what() << "\n";
    return 1;
  }
}
