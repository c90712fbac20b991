#include "core/plugin_host/loaded_plugin.hpp"

#include <fmt/format.h>

#include <cstddef>

#include "core/base/error.hpp"
#include "core/base/log.hpp"
#include "vbs/plugin/plugin.hpp"

namespace vbs {
namespace {
[[noreturn]] void refuse(const std::string& why) { throw Error(Code::invalid, why); }

std::pair<uint32_t, uint32_t> host_range(const std::string& kind) {
  const auto v = host_versions();
  if (kind == "storage") return {v.storage_min, v.storage_max};
  if (kind == "hypervisor") return {v.hypervisor_min, v.hypervisor_max};
  return {v.connector_min, v.connector_max};
}

// `table` is NULL or begins with its size; open and close are the first two functions of every table.
template <class Table>
Table take_table(const Manifest& m, const std::string& kind, const Table* table, uint32_t version) {
  const bool declared = m.has_kind(kind);
  if (declared != (table != nullptr))
    refuse(declared ? fmt::format("its manifest says '{}', but the library brings no {} table", kind, kind)
                    : fmt::format("the library brings a {} table that its manifest does not name: add '{}' to kinds",
                                  kind, kind));
  if (!table) return {};
  const auto [low, high] = host_range(kind);
  if (version < low || version > high)
    refuse(fmt::format("it answered version {} of the {} table; this VBS speaks {} to {}", version, kind, low, high));
  const auto range = m.abi.at(kind);
  if (version < range.first || version > range.second)
    refuse(fmt::format("it answered version {} of the {} table; its manifest says {} to {}", version, kind, range.first,
                       range.second));
  if (table->size < offsetof(Table, close) + sizeof(table->close))
    refuse(fmt::format("its {} table has {} bytes, too few to hold open and close", kind, table->size));
  const Table copy = plugin::receive(table);
  if (!copy.open || !copy.close) refuse(fmt::format("its {} table has no open or no close function", kind));
  return copy;
}
}  // namespace

vbs_versions host_versions() {
  return {sizeof(vbs_versions), 0, VBS_STORAGE_VERSION, 0, VBS_HYPERVISOR_VERSION, 0, VBS_CONNECTOR_VERSION};
}

void check_versions(const Manifest& manifest) {
  for (const auto& [kind, range] : manifest.abi) {
    const auto [low, high] = host_range(kind);
    if (range.second >= low && range.first <= high) continue;
    refuse(fmt::format(
        "it needs version {} to {} of the {} table; this VBS speaks {} to {}: install the plugin's release for it",
        range.first, range.second, kind, low, high));
  }
}

void apply_patterns(Manifest& manifest, const std::map<std::string, std::vector<std::string>>& patterns) {
  for (const auto& [command, argv] : patterns) {
    const std::string where =
        fmt::format("the operator's pattern 'commands.{}.{}'", manifest.name, for_log(command, 64));
    const auto it = manifest.commands.find(command);
    if (it == manifest.commands.end()) {
      std::vector<std::string> known;
      for (const auto& entry : manifest.commands) known.push_back(entry.first);
      refuse(fmt::format("{}: the plugin has no such command; it has: {}", where, fmt::join(known, ", ")));
    }
    auto& pattern = it->second;
    if (!argv.empty() && argv[0] != pattern.argv[0]) pattern.package.clear();  // it belonged to the other program
    pattern.argv = argv;
    check_pattern(pattern, where);
  }
}

LoadedPlugin::LoadedPlugin(Manifest manifest, HostServices::SecretSource secret)
    : manifest_(std::move(manifest)), secret_(std::move(secret)) {}

const HostServices& LoadedPlugin::host_for(const std::map<std::string, std::string>& secrets) {
  const std::lock_guard lock(mutex_);
  auto& host = hosts_[secrets];
  if (!host) host = std::make_unique<HostServices>(manifest_.name, manifest_.commands, secret_, secrets);
  return *host;
}

void LoadedPlugin::take(const vbs_plugin* descriptor) {
  if (!descriptor) {
    const std::string why = host().last_log();
    refuse("its entry answered no descriptor" + (why.empty() ? std::string(" and logged no reason") : ": " + why));
  }
  if (descriptor->size < offsetof(vbs_plugin, storage))
    refuse(fmt::format("its descriptor has {} bytes, too few", descriptor->size));
  const auto d = plugin::receive(descriptor);
  if (d.magic != VBS_PLUGIN_MAGIC)
    refuse(fmt::format("its descriptor begins with {:#010x} instead of {:#010x}: it is no VBS plugin of this ABI",
                       d.magic, VBS_PLUGIN_MAGIC));
  const auto same = [](vbs_str told, const std::string& expected, const char* what) {
    if (told.len > 255 || plugin::view(told) != expected)
      refuse(fmt::format("the library's {} is '{}', its manifest says '{}': install both from one release", what,
                         told.len > 255 ? "(too long)" : for_log(plugin::view(told)), expected));
  };
  same(d.name, manifest_.name, "name");
  same(d.version, manifest_.version, "version");
  storage_ = take_table(manifest_, "storage", d.storage, d.storage_version);
  hypervisor_ = take_table(manifest_, "hypervisor", d.hypervisor, d.hypervisor_version);
  connector_ = take_table(manifest_, "connector", d.connector, d.connector_version);
}

}  // namespace vbs
