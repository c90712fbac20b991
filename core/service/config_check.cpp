#include "core/service/config_check.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>

#include "core/base/log.hpp"
#include "core/identity/subject.hpp"
#include "core/plugin_host/config_schema.hpp"
#include "core/plugin_host/loaded_plugin.hpp"
#include "core/plugin_host/manifest.hpp"

namespace vbs {
namespace {
class Check {
 public:
  Check(const Config& config, const std::vector<std::string>& directories)
      : config_(config), directories_(directories) {}

  std::vector<std::string> run() {
    readable("listen.certificate", config_.certificate);
    readable("listen.key", config_.key);
    readable("listen.client_ca", config_.client_ca);
    if (::access(config_.data_dir.c_str(), W_OK | X_OK) != 0)
      problems_.push_back(fmt::format("data_dir {}: {}", config_.data_dir, std::strerror(errno)));
    guarded("log.level", [&] { check_log_level(config_.log_level); });
    for (const auto& o : config_.operators) guarded("operators", [&] { canonical_subject(o); });
    for (const auto& b : config_.backends)
      plugin("back-end " + b.name, b.plugin, "storage", b.config, !b.delegates.empty());
    for (const auto& h : config_.hosts)
      if (!h.hypervisor.empty()) plugin("host " + h.name, h.hypervisor, "hypervisor", h.config, !h.delegate.empty());
    for (const auto& c : config_.connectors)
      plugin("plugins.connectors." + c.kind, c.plugin, "connector", c.config, false);
    const bool over_tcp = std::any_of(config_.delegates.begin(), config_.delegates.end(),
                                      [](const auto& d) { return d.address.rfind("unix:", 0) != 0; });
    if (over_tcp) {
      readable("delegate_tls.certificate", config_.delegate_tls.certificate);
      readable("delegate_tls.key", config_.delegate_tls.key);
      readable("delegate_tls.ca", config_.delegate_tls.ca);
    }
    for (const auto& [name, patterns] : config_.commands)
      guarded("plugins.commands." + name, [&] {
        auto manifest = manifest_of(name);
        apply_patterns(manifest, patterns);
      });
    return std::move(problems_);
  }

 private:
  void guarded(const std::string& where, const std::function<void()>& f) {
    try {
      f();
    } catch (const Error& e) {
      problems_.push_back(where + ": " + e.what());
    }
  }

  void readable(const char* key, const std::string& file) {
    if (::access(file.c_str(), R_OK) != 0)
      problems_.push_back(fmt::format("{} {}: {}", key, file, std::strerror(errno)));
  }

  std::string manifest_file(const std::string& plugin) const {
    for (const auto& d : directories_)
      if (auto file = d + "/" + plugin + ".vbs-plugin.yaml"; ::access(file.c_str(), F_OK) == 0) return file;
    return "";
  }

  Manifest manifest_of(const std::string& plugin) {
    if (const auto file = manifest_file(plugin); !file.empty()) return load_manifest(file);
    throw Error(Code::invalid,
                fmt::format("there is no plugin '{}' in {}", for_log(plugin, 64), fmt::join(directories_, ", ")));
  }

  // A plugin that a delegate runs may be installed on its node only; that one checks the settings again.
  void plugin(const std::string& where, const std::string& name, const char* kind, const std::string& settings,
              bool elsewhere) {
    if (elsewhere && manifest_file(name).empty()) return;
    guarded(where, [&] {
      const auto manifest = manifest_of(name);
      if (!manifest.has_kind(kind)) throw Error(Code::invalid, fmt::format("plugin '{}' is no {} plugin", name, kind));
      check_config(manifest, settings);
    });
  }

  const Config& config_;
  const std::vector<std::string>& directories_;
  std::vector<std::string> problems_;
};
}  // namespace

std::vector<std::string> check_config(const Config& config, const std::vector<std::string>& plugin_directories) {
  return Check(config, plugin_directories).run();
}
}  // namespace vbs
