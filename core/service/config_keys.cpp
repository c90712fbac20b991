#include "core/service/config_keys.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.hpp"

namespace vbs {
namespace {
constexpr int64_t kText = 4096, kName = 255, kSubject = 512;

ConfigKeyInfo text(std::string_view name, int64_t max, std::string_view fallback, std::string_view meaning,
                   std::string_view shown = {}) {
  return {name, KeyType::text, 0, max, "bytes", fallback, false, shown, meaning};
}
ConfigKeyInfo required_text(std::string_view name, int64_t max, std::string_view meaning) {
  return {name, KeyType::text, 1, max, "bytes", "", true, "", meaning};
}
ConfigKeyInfo integer(std::string_view name, int64_t min, int64_t max, std::string_view unit, std::string_view fallback,
                      std::string_view meaning) {
  return {name, KeyType::integer, min, max, unit, fallback, false, "", meaning};
}
ConfigKeyInfo texts(std::string_view name, int64_t max, std::string_view shown, std::string_view meaning) {
  return {name, KeyType::text_list, 0, max, "bytes", "", false, shown, meaning};
}
ConfigKeyInfo list(std::string_view name, bool required, std::string_view meaning) {
  return {name, KeyType::list, 0, 0, "", "", required, "none", meaning};
}
ConfigKeyInfo mapping(std::string_view name, std::string_view shown, std::string_view meaning) {
  return {name, KeyType::mapping, 0, 0, "", "", false, shown, meaning};
}

std::string shown_type(const ConfigKeyInfo& k) {
  switch (k.type) {
    case KeyType::text:
      return fmt::format("text, at most {} bytes", k.max);
    case KeyType::integer:
      return fmt::format("{} to {}{}{}", k.min, k.max, k.unit.empty() ? "" : ", ", k.unit);
    case KeyType::text_list:
      return fmt::format("list of texts, each at most {} bytes", k.max);
    case KeyType::list:
      return "list of mappings";
    case KeyType::mapping:
      return "mapping";
  }
  return "";
}

std::string shown_default(const ConfigKeyInfo& k) {
  if (k.required) return "required";
  if (!k.fallback_shown.empty()) return std::string(k.fallback_shown);
  return k.fallback.empty() ? "none" : fmt::format("`{}`", k.fallback);
}
}  // namespace

const std::vector<ConfigKeyInfo>& config_keys() {
  static const std::vector<ConfigKeyInfo> keys{
      required_text("data_dir", kText,
                    "directory of the store (`vbs.db`) and its lock, on a local file system. It must exist; give it to "
                    "the service's user, mode 0700"),
      text("backup_dir", kText, "",
           "directory of `vbs store backup`, made with mode 0700 if it is not there. Best on another disk",
           "`DATA_DIR/backups`"),
      text("listen.address", kName, "127.0.0.1", "IPv4 or IPv6 address to listen on; `0.0.0.0` or `::` for all"),
      integer("listen.port", 0, 65535, "", "8443", "TCP port; 0 takes any free one and logs it"),
      required_text("listen.certificate", kText, "PEM file: the server's certificate, then its chain"),
      required_text("listen.key", kText, "PEM file: its key, not encrypted; refused when everybody can read it"),
      required_text("listen.client_ca", kText, "PEM file: the CAs whose certificates are accepted from clients"),
      text("log.level", 32, "info",
           "`debug`, `info`, `warning` or `error`. The log goes to standard error "
           "([monitoring.md](monitoring.md#logs))"),
      integer(
          "flatten_above", 0, 1000, "layers", "16",
          "a volume that rests on more layers is flattened in the background; 0: never. `storage_lustre` refuses the "
          "snapshot of a volume in use at 32: half of that leaves time for the copy, and each layer costs reads a "
          "look-up and QEMU memory"),
      texts("operators", kSubject, "none", "certificate subjects (RFC 4514) with the operator role"),
      texts("plugins.directories", kText, "that of the installation",
            "directories searched in this order. Naming any replaces the default"),
      texts("plugins.in_process", kName, "none",
            "names of plugins that did not come with VBS and are loaded into `vbsd` itself all the same. Others run in "
            "processes of their own ([delegates.md](delegates.md#beside-vbsd))"),
      mapping("plugins.commands", "the manifests'",
              "plugin -> command -> argument vector, instead of the plugin's own ([plugins.md](plugins.md))"),
      mapping("plugins.connectors", "those that come with VBS",
              "kind of connection -> `{plugin: NAME, config: {...}}`: the connector plugin that makes such connections "
              "usable on this machine. `iscsi: {plugin: connector_iscsi}` has the kernel log in, for hypervisors that "
              "need a block device; by default QEMU logs in itself"),
      list("delegates", false,
           "agents on other nodes that run plugins there ([delegates.md](delegates.md)); each is a `vbs-delegate`"),
      required_text("delegates[].name", kName, "its name, which must be that of its certificate, unique"),
      required_text("delegates[].address", kName,
                    "where it listens: `HOST:PORT`, or `unix:/path` of a socket that only the service's user may open"),
      text("delegate_ca", kText, "",
           "directory of the CA (`vbs ca init`) that signs the certificates of delegates that enroll with a token; "
           "without it they are signed by hand"),
      text("delegate_tls.certificate", kText, "",
           "PEM file that `vbsd` shows to delegates: of kind `server` (`vbs ca sign --kind server`)",
           "`listen.certificate`"),
      text("delegate_tls.key", kText, "", "PEM file: its key", "`listen.key`"),
      text("delegate_tls.ca", kText, "", "PEM file: the CA that has signed the certificates of delegates",
           "`listen.client_ca`"),
      list("backends", true, "one at least. The first is used where a request names none"),
      required_text("backends[].name", kName, "name in the API, unique"),
      required_text("backends[].plugin", kName, "name of a storage plugin"),
      integer("backends[].workers", 1, 64, "plugin calls at once", "4", "a plugin may allow itself fewer"),
      texts("backends[].delegate", kName, "none: `vbsd` itself",
            "name of the delegate that runs the plugin, or a list: the first that answers has it, another takes over "
            "when that one is gone. Only file systems that several nodes mount may have more than one"),
      mapping("backends[].config", "none", "the plugin's own settings: its manual page"),
      list("hosts", false, "the machines that run VMs"),
      required_text("hosts[].name", kName, "name in the API, unique"),
      texts("hosts[].aliases", kName, "none", "other names by which the API finds it"),
      text("hosts[].hypervisor", kName, "",
           "name of a hypervisor plugin; without one nothing can be attached on that host"),
      text("hosts[].initiator", kName, "",
           "initiator name, handed to the storage plugin with each export; `storage_lustre` does not use it"),
      integer("hosts[].workers", 1, 64, "plugin calls at once", "4", "as of a back-end"),
      text("hosts[].delegate", kName, "", "name of the delegate on that host, which runs its hypervisor plugin",
           "none: `vbsd` itself"),
      mapping("hosts[].config", "none", "the plugin's own settings: its manual page"),
  };
  return keys;
}

const ConfigKeyInfo& config_key(const std::string& name) {
  const auto& keys = config_keys();
  const auto it = std::find_if(keys.begin(), keys.end(), [&](const auto& k) { return k.name == name; });
  if (it == keys.end()) throw Error(Code::internal, "the configuration has no key '" + name + "'");
  return *it;
}

std::string config_reference() {
  std::string out = "| key | value | default | meaning |\n|---|---|---|---|\n";
  for (const auto& k : config_keys())
    out += fmt::format("| `{}` | {} | {} | {} |\n", k.name, shown_type(k), shown_default(k), k.meaning);
  return out;
}
}  // namespace vbs
