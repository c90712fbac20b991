#include "apps/vbs/json_fields.hpp"

#include <fmt/format.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>

namespace vbs::cli {

const rapidjson::Value& null_value() {
  static const rapidjson::Value null;
  return null;
}

const rapidjson::Value& member(const rapidjson::Value& object, const char* name) {
  if (!object.IsObject()) return null_value();
  const auto it = object.FindMember(name);
  return it == object.MemberEnd() ? null_value() : it->value;
}

std::string text(const rapidjson::Value& object, const char* name) {
  const auto& value = member(object, name);
  return value.IsString() ? std::string(value.GetString(), value.GetStringLength()) : std::string();
}

uint64_t number(const rapidjson::Value& object, const char* name) {
  const auto& value = member(object, name);
  return value.IsUint64() ? value.GetUint64() : 0;
}

std::vector<std::string> texts(const rapidjson::Value& object, const char* name) {
  std::vector<std::string> out;
  const auto& value = member(object, name);
  if (value.IsArray())
    for (const auto& item : value.GetArray())
      if (item.IsString()) out.emplace_back(item.GetString(), item.GetStringLength());
  return out;
}

std::string join(const std::vector<std::string>& parts, const std::string& separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

void print_json(std::ostream& out, const rapidjson::Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::PrettyWriter<rapidjson::StringBuffer> writer(buffer);
  writer.SetIndent(' ', 2);
  value.Accept(writer);
  out << std::string_view(buffer.GetString(), buffer.GetSize()) << '\n';
}

}  // namespace vbs::cli
