// SPDX-License-Identifier: MIT
//
// Reading the JSON that the plugin meets: configuration, refs, sidecars, qemu-img's answers.
#pragma once
#include <rapidjson/document.h>

#include <optional>
#include <string>
#include <string_view>

namespace vbs::lustre {

// Writing a value again recurses: a sidecar of 128 KiB that somebody made out of brackets would need more stack than
// there is. What this plugin reads is at most some levels deep.
inline bool is_deep(std::string_view text) {
  constexpr int kMaxDepth = 32;
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string && c == '\\')
      ++i;
    else if (c == '"')
      in_string = !in_string;
    else if (!in_string && (c == '{' || c == '['))
      if (++depth > kMaxDepth) return true;
    if (!in_string && (c == '}' || c == ']')) --depth;
  }
  return false;
}

// nullopt unless `text` is one whole JSON object, at most 32 levels deep.
inline std::optional<rapidjson::Document> parse_object(std::string_view text) {
  if (is_deep(text)) return std::nullopt;
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
