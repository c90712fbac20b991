#include "core/plugin_host/plugin_settings.hpp"

#include <fmt/format.h>

#include "core/base/error.hpp"
#include "core/base/json.hpp"

namespace vbs {
namespace {
constexpr int kMaxDepth = 32;
constexpr size_t kMaxValues = 10000;  // of one plugin
constexpr size_t kMaxName = 64;

// A plugin's own settings travel as JSON; its manifest's schema checks them. A quoted YAML scalar stays a string.
// Aliases are written out: one may contain itself, and a few lines of them can stand for gigabytes ("billion laughs",
// CVE-2019-11253), so there is a limit on depth and on the whole.
void write_json(const YAML::Node& node, JsonWriter& w, int depth, size_t& left) {
  if (depth > kMaxDepth) throw Error(Code::invalid, fmt::format("is nested deeper than {} levels", kMaxDepth));
  if (left-- == 0) throw Error(Code::invalid, fmt::format("has more than {} values", kMaxValues));
  if (node.IsMap()) {
    w.StartObject();
    for (const auto& item : node) {
      if (!item.first.IsScalar()) throw Error(Code::invalid, "has a key that is not plain text");
      key(w, item.first.Scalar());
      write_json(item.second, w, depth + 1, left);
    }
    w.EndObject();
  } else if (node.IsSequence()) {
    w.StartArray();
    for (const auto& item : node) write_json(item, w, depth + 1, left);
    w.EndArray();
  } else if (node.IsScalar()) {
    const auto text = node.Scalar();
    int64_t i = 0;
    double d = 0;
    bool b = false;
    if (node.Tag() == "!")
      put(w, text);
    else if (YAML::convert<int64_t>::decode(node, i) && text.rfind("0", 0) != 0)
      w.Int64(i);
    else if (text == "0")
      w.Int64(0);
    else if ((text == "true" || text == "false") && YAML::convert<bool>::decode(node, b))
      w.Bool(b);
    else if (text.find_first_not_of("0123456789.-") == std::string::npos && YAML::convert<double>::decode(node, d))
      w.Double(d);
    else
      put(w, text);
  } else {
    w.Null();
  }
}

}  // namespace

std::string plugin_settings(YamlMap& m) {
  const auto node = m.find("config");
  if (!node) return "{}";
  if (!node->IsMap()) m.bad(*node, "config", "must be a mapping of the plugin's settings");
  JsonBuffer b;
  JsonWriter w(b);
  size_t left = kMaxValues;
  try {
    write_json(*node, w, 1, left);
  } catch (const Error& e) {
    m.bad(*node, "config", e.what());
  }
  return {b.GetString(), b.GetSize()};
}

std::vector<ConnectorChoice> connector_choices(YamlMap& plugins) {
  std::vector<ConnectorChoice> out;
  auto connectors = plugins.map("connectors");
  connectors.each([&](const std::string& kind, const YAML::Node& node) {
    YamlMap entry(node, plugins.file(), "plugins.connectors." + kind);
    out.push_back({kind, entry.required_text("plugin", kMaxName), plugin_settings(entry)});
    entry.finish();
  });
  return out;
}
}  // namespace vbs
