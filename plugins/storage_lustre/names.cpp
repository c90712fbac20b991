// SPDX-License-Identifier: MIT
#include "names.hpp"

#include <charconv>

namespace vbs::lustre {
namespace {
constexpr size_t kUuid = 36;

// "12." at the front of text: 12, and text moves behind the dot.
std::optional<uint64_t> take_number(std::string_view& text) {
  uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end == text.data() + text.size() || *end != '.') return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()) + 1);
  return n;
}

std::optional<std::string> take_uuid(std::string_view& text) {
  if (text.size() <= kUuid || text[kUuid] != '.' || !is_uuid(text.substr(0, kUuid))) return std::nullopt;
  std::string id(text.substr(0, kUuid));
  text.remove_prefix(kUuid + 1);
  return id;
}
}  // namespace

bool is_uuid(std::string_view text) {
  if (text.size() != kUuid) return false;
  for (size_t i = 0; i < kUuid; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  }
  return true;
}

std::string FileName::text() const {
  std::string out = owner + ".";
  if (type == Type::sidecar) return out + std::to_string(generation) + "." + std::to_string(epoch) + ".json";
  if (!by.empty()) out += by + ".";
  return out + std::to_string(epoch) + (type == Type::raw ? ".raw" : ".qcow2");
}

std::optional<FileName> parse_name(std::string_view text) {
  FileName name;
  std::string_view rest = text;
  const auto owner = take_uuid(rest);
  if (!owner) return std::nullopt;
  name.owner = *owner;
  name.by = take_uuid(rest).value_or("");
  const auto first = take_number(rest);
  if (!first) return std::nullopt;
  name.epoch = *first;
  if (const auto second = take_number(rest)) {
    name.generation = *first;
    name.epoch = *second;
  }
  if (rest == "raw") {
    name.type = FileName::Type::raw;
  } else if (rest == "qcow2") {
    name.type = FileName::Type::qcow2;
  } else if (rest == "json") {
    name.type = FileName::Type::sidecar;
  } else {
    return std::nullopt;
  }
  // One spelling only: no leading zeros, and no parts that this type does not have.
  const bool fits = name.by.empty() || name.is_image();
  return fits && name.text() == text ? std::optional(name) : std::nullopt;
}

std::string format_of(std::string_view image_name) { return image_name.ends_with(".qcow2") ? "qcow2" : "raw"; }

}  // namespace vbs::lustre
