// SPDX-License-Identifier: MIT
#include "tags.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "base64.hpp"
#include "names.hpp"
#include "vbs/plugin/storage.hpp"

namespace vbs::lvm {
namespace {
constexpr std::string_view kBackend = "vbs.backend=", kId = "vbs.id=", kBy = "vbs.by=", kRecord = "vbs.v1=",
                           kGrowing = "vbs.growing=", kFacts = "vbs.f";
constexpr size_t kChunk = 1000;  // of base64 in a tag

bool has(const std::vector<std::string>& tags, std::string_view tag) {
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

std::optional<std::string> value(const std::vector<std::string>& tags, std::string_view key) {
  for (const auto& tag : tags)
    if (tag.starts_with(key)) return tag.substr(key.size());
  return std::nullopt;
}

template <class T>
bool take_number(std::string_view& text, T& out) {
  const auto end = text.find(':');
  if (end == std::string_view::npos) return false;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + end, out);
  if (error != std::errc() || stop != text.data() + end || end == 0) return false;
  text.remove_prefix(end + 1);
  return true;
}

std::optional<std::string> facts_of(const std::vector<std::string>& tags) {
  std::map<size_t, std::string_view> parts;
  for (const std::string_view tag : tags) {
    if (!tag.starts_with(kFacts)) continue;
    const auto equals = tag.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    size_t n = 0;
    const auto [stop, error] = std::from_chars(tag.data() + kFacts.size(), tag.data() + equals, n);
    if (error != std::errc() || stop != tag.data() + equals) return std::nullopt;
    parts[n] = tag.substr(equals + 1);
  }
  std::string all;
  size_t expected = 0;
  for (const auto& [n, part] : parts) {
    if (n != expected++) return std::nullopt;
    all += part;
  }
  return from_base64(all);
}
}  // namespace

std::string backend_tag(const std::string& backend_id) { return std::string(kBackend) + backend_id; }
std::string id_tag(const std::string& id) { return std::string(kId) + id; }
std::string by_tag(const std::string& id) { return std::string(kBy) + id; }

std::string growing_tag(uint64_t from_bytes) { return std::string(kGrowing) + std::to_string(from_bytes); }

std::string record_tag(const Record& r) {
  return std::string(kRecord) + std::to_string(r.kind) + ":" + std::to_string(r.generation) + ":" +
         std::to_string(r.epoch) + ":" + std::to_string(r.asked_bytes) + ":" + std::to_string(r.source_kind) + ":" +
         r.source_id;
}

std::vector<std::string> facts_tags(const Record& r) {
  if (r.facts.size() > kMaxFactsBytes)
    throw plugin::Error(VBS_INVALID, "the facts of " + r.id + " have " + std::to_string(r.facts.size()) +
                                         " bytes; LVM's tags hold " + std::to_string(kMaxFactsBytes) +
                                         ": shorten its name, description or metadata");
  const auto text = base64(r.facts);
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size(); at += kChunk)
    out.push_back(std::string(kFacts) + std::to_string(out.size()) + "=" + text.substr(at, kChunk));
  out.resize(kFactsTags, kTag);
  return out;
}

std::optional<std::string> backend_of(const std::vector<std::string>& tags) { return value(tags, kBackend); }

std::optional<Record> record_of(const std::vector<std::string>& tags) {
  const auto id = value(tags, kId), text = value(tags, kRecord), facts = facts_of(tags);
  if (!has(tags, kTag) || !id || !is_uuid(*id) || !text || !facts) return std::nullopt;
  Record r;
  std::string_view rest = *text;
  if (!take_number(rest, r.kind) || !take_number(rest, r.generation) || !take_number(rest, r.epoch) ||
      !take_number(rest, r.asked_bytes) || !take_number(rest, r.source_kind) ||
      (r.kind != VBS_KIND_VOLUME && r.kind != VBS_KIND_SNAPSHOT) || (!rest.empty() && !is_uuid(rest)))
    return std::nullopt;
  r.id = *id;
  r.by = value(tags, kBy).value_or("");
  r.source_id = rest;
  r.facts = facts->empty() ? "{}" : *facts;
  r.done = has(tags, kDoneTag);
  if (auto growing = value(tags, kGrowing)) {
    uint64_t from = 0;
    std::string_view digits = growing->append(":");
    if (!take_number(digits, from)) return std::nullopt;
    r.growing_from_bytes = from;
  }
  return r;
}

}  // namespace vbs::lvm
