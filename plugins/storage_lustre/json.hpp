// SPDX-License-Identifier: MIT
//
// Reading the JSON that the plugin meets: configuration, refs, sidecars, qemu-img's answers.
#pragma once
#include <rapidjson/document.h>

#include <optional>
#include <string>
#include <string_view>

namespace vbs::lustre {

// nullopt unless `text` is one whole JSON object.
inline std::optional<rapidjson::Document> parse_object(std::string_view text) {
  rapidjson::Document d;
  d.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(text.data(), text.size());
  if (d.HasParseError() || !d.IsObject()) return std::nullopt;
  return d;
}

inline const rapidjson::Value* member(const rapidjson::Value& object, const char* name) {
  const auto it = object.FindMember(name);
  return it == object.MemberEnd() ? nullptr : &it->value;
}

inline std::optional<uint64_t> number_of(const rapidjson::Value& object, const char* name) {
  const auto* v = member(object, name);
  return v && v->IsUint64() ? std::optional<uint64_t>(v->GetUint64()) : std::nullopt;
}

inline std::optional<std::string> string_of(const rapidjson::Value& object, const char* name) {
  const auto* v = member(object, name);
  return v && v->IsString() ? std::optional(std::string(v->GetString(), v->GetStringLength())) : std::nullopt;
}

}  // namespace vbs::lustre
