// Where the service is and who we are there. For each setting the first of these that names it: the flag (--url,
// --cert,
// --key, --ca), the environment (VBS_URL, VBS_CERT, VBS_KEY, VBS_CA), the profile in the configuration file, the
// default. The file is $VBS_CONFIG, else ~/.config/vbs/config.yaml ($XDG_CONFIG_HOME is honoured):
//
//   profile: alice            # used when neither --profile nor VBS_PROFILE names one
//   profiles:
//     alice: {url: "https://vbs.example.org:8443", cert: alice.pem, key: alice-key.pem, ca: ca.pem}
//
// Relative files in it are relative to its directory; "~/" is the home directory.
#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace vbs::cli {

constexpr const char* kDefaultUrl = "https://localhost:8443";

using Environment = std::function<std::optional<std::string>(const char* name)>;
std::optional<std::string> process_environment(const char* name);  // set and not empty

struct ConnectionFlags {
  std::optional<std::string> url, cert, key, ca, profile;
};

struct Setting {
  std::string value;
  std::string origin;  // "--cert", "VBS_CERT", "profile alice in FILE", "the default": for error messages
};

struct Settings {
  Setting url, cert, key, ca;
};

// Throws Failure(usage): a broken file, an unknown field, an unknown profile.
Settings load_settings(const ConnectionFlags& flags, const Environment& environment);

// Throws Failure(unreachable) naming the file, where its name came from, and how to get one. A service that needs no
// certificate (health) is asked with `certificate_needed` false; then absent defaults are cleared from `settings`.
void check_files(Settings& settings, bool certificate_needed);

}  // namespace vbs::cli
