#include "apps/vbs/settings.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>

#include "apps/vbs/failure.hpp"

namespace vbs::cli {
namespace {
namespace fs = std::filesystem;
constexpr const char* kDefaultOrigin = "the default";

fs::path home(const Environment& environment) { return environment("HOME").value_or("/"); }

fs::path config_directory(const Environment& environment) {
  if (auto base = environment("XDG_CONFIG_HOME")) return fs::path(*base) / "vbs";
  return home(environment) / ".config" / "vbs";
}

std::string expand(const std::string& file, const fs::path& directory, const Environment& environment) {
  if (file.rfind("~/", 0) == 0) return (home(environment) / file.substr(2)).string();
  return fs::path(file).is_absolute() ? file : (directory / file).string();
}

using Profile = std::map<std::string, std::string>;  // url, cert, key, ca

[[noreturn]] void bad(const fs::path& file, const std::string& why) {
  throw Failure(Exit::usage, fmt::format("{}: {}", file.string(), why),
                "vbs(1), section FILES, shows a configuration file; VBS_CONFIG names another one");
}

Profile read_profile(const fs::path& file, const std::string& name, const YAML::Node& node,
                     const Environment& environment) {
  if (!node.IsMap()) bad(file, fmt::format("profile '{}' must have the fields url, cert, key, ca", name));
  Profile profile;
  for (const auto& entry : node) {
    const auto key = entry.first.as<std::string>();
    if (key != "url" && key != "cert" && key != "key" && key != "ca")
      bad(file, fmt::format("profile '{}' has the unknown field '{}'; there are url, cert, key, ca", name, key));
    const auto value = entry.second.as<std::string>();
    profile[key] = key == "url" ? value : expand(value, file.parent_path(), environment);
  }
  return profile;
}

// The chosen profile and its origin; nothing where no file is and none was asked for.
struct Chosen {
  Profile profile;
  std::string origin;
};
Chosen choose_profile(const ConnectionFlags& flags, const Environment& environment) {
  const auto named_file = environment("VBS_CONFIG");
  const fs::path file = named_file ? fs::path(*named_file) : config_directory(environment) / "config.yaml";
  auto wanted = flags.profile ? flags.profile : environment("VBS_PROFILE");
  if (::access(file.c_str(), F_OK) != 0) {
    if (named_file) bad(file, fmt::format("cannot read it ({})", std::strerror(errno)));
    if (wanted) bad(file, fmt::format("profile '{}' was asked for, but there is no such file", *wanted));
    return {};
  }
  try {
    const YAML::Node root = YAML::LoadFile(file.string());
    if (!root.IsMap()) bad(file, "it must have the fields profile and profiles");
    for (const auto& entry : root)
      if (const auto key = entry.first.as<std::string>(); key != "profile" && key != "profiles")
        bad(file, fmt::format("unknown field '{}'; there are profile and profiles", key));
    if (!wanted && root["profile"]) wanted = root["profile"].as<std::string>();
    if (!wanted) return {};
    if (!root["profiles"] || !root["profiles"].IsMap() || !root["profiles"][*wanted])
      bad(file, fmt::format("there is no profile '{}'", *wanted));
    return {read_profile(file, *wanted, root["profiles"][*wanted], environment),
            fmt::format("profile {} in {}", *wanted, file.string())};
  } catch (const YAML::Exception& e) {
    bad(file, fmt::format("not acceptable YAML: {}", e.what()));
  }
}

Setting choose(const char* name, const std::optional<std::string>& flag, const char* variable, const Chosen& chosen,
               const std::string& fallback, const Environment& environment) {
  if (flag) return {*flag, fmt::format("--{}", name)};
  if (auto value = environment(variable)) return {*value, variable};
  if (const auto it = chosen.profile.find(name); it != chosen.profile.end()) return {it->second, chosen.origin};
  return {fallback, kDefaultOrigin};
}
}  // namespace

std::optional<std::string> process_environment(const char* name) {
  const char* value = std::getenv(name);
  if (!value || !*value) return std::nullopt;
  return value;
}

Settings load_settings(const ConnectionFlags& flags, const Environment& environment) {
  const Chosen chosen = choose_profile(flags, environment);
  const fs::path directory = config_directory(environment);
  const auto file = [&](const char* name) { return (directory / (std::string(name) + ".pem")).string(); };
  return {choose("url", flags.url, "VBS_URL", chosen, kDefaultUrl, environment),
          choose("cert", flags.cert, "VBS_CERT", chosen, file("cert"), environment),
          choose("key", flags.key, "VBS_KEY", chosen, file("key"), environment),
          choose("ca", flags.ca, "VBS_CA", chosen, file("ca"), environment)};
}

void check_files(Settings& settings, bool certificate_needed) {
  struct Row {
    Setting& setting;
    const char* what;
    const char* name;
    bool needed;
    const char* hint;
  };
  const bool tls =
      settings.url.value.rfind("http://", 0) != 0;  // plain HTTP is for loopback only; the client refuses more
  const std::array<Row, 3> rows{
      {{settings.ca, "the CA's certificate", "ca", tls, "copy ca.pem from whoever runs the service"},
       {settings.cert, "your certificate", "cert", tls && certificate_needed,
        "get one with `vbs ca request`, to be signed by whoever runs the service's CA"},
       {settings.key, "your key", "key", tls && certificate_needed,
        "it was written together with the request for the certificate"}}};
  for (const auto& row : rows) {
    if (::access(row.setting.value.c_str(), R_OK) == 0 && tls) continue;
    if (!row.needed && (row.setting.origin == kDefaultOrigin || !tls)) {
      row.setting.value.clear();
      continue;
    }
    std::string variable = row.name;
    for (char& c : variable) c = static_cast<char>(c - 'a' + 'A');
    throw Failure(Exit::unreachable,
                  fmt::format("cannot read {}: {} ({}, from {})", row.what, row.setting.value, std::strerror(errno),
                              row.setting.origin),
                  fmt::format("{}, and name it with --{}, VBS_{} or a profile", row.hint, row.name, variable));
  }
  if (settings.cert.value.empty() || settings.key.value.empty()) {
    settings.cert.value.clear();
    settings.key.value.clear();
  }
}

}  // namespace vbs::cli
