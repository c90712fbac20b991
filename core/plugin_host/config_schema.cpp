#include "core/plugin_host/config_schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/base/log.hpp"

namespace vbs {
namespace {
constexpr size_t kMaxString = 4096;

[[noreturn]] void bad(const std::string& name, const std::string& what) {
  throw Error(Code::invalid, fmt::format("'{}' {}", name, what), name);
}

std::string number_text(double n) {
  return n == std::floor(n) && std::abs(n) < 1e15 ? fmt::format("{:.0f}", n) : fmt::format("{}", n);
}

void check_range(const ConfigKey& key, const std::string& name, double value, const char* what) {
  const std::string unit = key.unit.empty() ? "" : " " + key.unit;
  if (key.min && value < *key.min)
    bad(name, fmt::format("{} {}{}; the least is {}{}", what, number_text(value), unit, number_text(*key.min), unit));
  if (key.max && value > *key.max)
    bad(name, fmt::format("{} {}{}; the limit is {}{}", what, number_text(value), unit, number_text(*key.max), unit));
}

std::string check_string(const ConfigKey& key, const std::string& name, const rapidjson::Value& value) {
  if (!value.IsString()) bad(name, "must be a string");
  std::string s(value.GetString(), value.GetStringLength());
  check_text(s, name.c_str(), kMaxString);
  check_range(key, name, static_cast<double>(s.size()), "has a length in bytes of");
  return s;
}

void check_path(const std::string& name, const std::string& path) {
  if (path.empty() || path[0] != '/') bad(name, fmt::format("is '{}'; an absolute path is needed", for_log(path)));
  if ((path + "/").find("/../") != std::string::npos)
    bad(name, fmt::format("is '{}'; '..' is not allowed in it", for_log(path)));
}
}  // namespace

uint64_t parse_bytes(const std::string& text) {
  constexpr std::array<std::pair<std::string_view, int>, 7> units{
      {{"", 0}, {"B", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}, {"PiB", 50}}};
  double number = 0;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  std::string_view unit(r.ptr, static_cast<size_t>(text.data() + text.size() - r.ptr));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  for (const auto& [name, shift] : units) {
    if (r.ec != std::errc() || unit != name) continue;
    const double bytes = std::ldexp(number, shift);
    if (bytes >= 0 && bytes < 0x1p63) return static_cast<uint64_t>(bytes);
  }
  throw Error(
      Code::invalid,
      fmt::format("'{}' is no size: use a number of bytes, or one with KiB, MiB, GiB, TiB or PiB", for_log(text, 64)));
}

std::string check_config_value(const ConfigKey& key, const std::string& name, const rapidjson::Value& value) {
  rapidjson::Document out;
  switch (key.type) {
    case ConfigType::string:
      check_string(key, name, value);
      return to_json(value);
    case ConfigType::path:
      check_path(name, check_string(key, name, value));
      return to_json(value);
    case ConfigType::enumeration: {
      const std::string s = check_string(key, name, value);
      if (std::find(key.values.begin(), key.values.end(), s) == key.values.end())
        bad(name, fmt::format("is '{}'; it must be one of: {}", for_log(s, 64), fmt::join(key.values, ", ")));
      return to_json(value);
    }
    case ConfigType::boolean:
      if (!value.IsBool()) bad(name, "must be true or false");
      return to_json(value);
    case ConfigType::integer:
      if (!value.IsInt64()) bad(name, "must be a whole number");
      check_range(key, name, static_cast<double>(value.GetInt64()), "is");
      return to_json(value);
    case ConfigType::number:
      if (!value.IsNumber()) bad(name, "must be a number");
      check_range(key, name, value.GetDouble(), "is");
      return to_json(value);
    case ConfigType::bytes:
      if (value.IsUint64()) {
        out.SetUint64(value.GetUint64());
      } else if (value.IsString()) {
        try {
          out.SetUint64(parse_bytes({value.GetString(), value.GetStringLength()}));
        } catch (const Error& e) {
          bad(name, fmt::format("is wrong: {}", e.what()));
        }
      } else {
        bad(name, "must be a size: a number of bytes, or a text such as \"64KiB\"");
      }
      check_range(key, name, static_cast<double>(out.GetUint64()), "is");
      return to_json(out);
  }
  bad(name, "has a type that this VBS does not know");
}

CheckedConfig check_config(const Manifest& manifest, const std::string& config) {
  const auto given = parse_json(config);
  if (!given.IsObject())
    throw Error(Code::invalid, fmt::format("the configuration for plugin '{}' must be a JSON object", manifest.name));
  for (const auto& member : given.GetObject()) {
    const std::string name(member.name.GetString(), member.name.GetStringLength());
    if (manifest.config.count(name)) continue;
    std::vector<std::string> known;
    for (const auto& entry : manifest.config) known.push_back(entry.first);
    const std::string shown = for_log(name, 64);
    bad(shown, fmt::format("is not an option of plugin '{}'; it has: {}", manifest.name, fmt::join(known, ", ")));
  }
  CheckedConfig out;
  JsonBuffer buffer;
  JsonWriter writer(buffer);
  writer.StartObject();
  for (const auto& [name, schema] : manifest.config) {
    const auto member = given.FindMember(name.c_str());
    const bool present = member != given.MemberEnd() && !member->value.IsNull();
    if (!present && schema.required) bad(name, fmt::format("is missing; plugin '{}' needs it", manifest.name));
    if (present && schema.secret) {
      out.secrets[name] = check_string(schema, name, member->value);
      continue;
    }
    const auto text = present ? std::optional(check_config_value(schema, name, member->value)) : schema.default_json;
    if (!text) continue;
    key(writer, name);
    writer.RawValue(text->data(), text->size(), rapidjson::kObjectType);
  }
  writer.EndObject();
  out.json.assign(buffer.GetString(), buffer.GetSize());
  return out;
}

}  // namespace vbs
