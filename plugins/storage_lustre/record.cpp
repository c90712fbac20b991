// SPDX-License-Identifier: MIT
#include "record.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>

#include "json.hpp"
#include "names.hpp"
#include "vbs/plugin/json.hpp"
#include "vbs/plugin/storage.hpp"

namespace vbs::lustre {
namespace {
using plugin::Error;
using plugin::json_quoted;
constexpr uint64_t kVersion = 1;

bool is_image_name(const std::string& name) {
  const auto parsed = parse_name(name);
  return parsed && parsed->is_image();
}

std::string data_members(const Record& r) {
  std::string out = "\"v\":" + std::to_string(kVersion) + ",\"gen\":" + std::to_string(r.generation) +
                    ",\"size\":" + std::to_string(r.size_bytes) + ",\"file\":" + json_quoted(r.file) + ",\"chain\":[";
  for (size_t i = 0; i < r.chain.size(); ++i) out += (i != 0 ? "," : "") + json_quoted(r.chain[i]);
  return out + "]";
}

// Names are checked here, once: what passes cannot lead out of the back-end.
bool read_data_members(const rapidjson::Value& o, Record& r) {
  const auto version = number_of(o, "v"), generation = number_of(o, "gen"), size = number_of(o, "size");
  const auto file = string_of(o, "file");
  const auto* chain = member(o, "chain");
  if (version != kVersion || !generation || !size || !file || !chain || !chain->IsArray() ||
      chain->Size() > kMaxChain || !is_image_name(*file))
    return false;
  r.generation = *generation;
  r.size_bytes = *size;
  r.file = *file;
  for (const auto& name : chain->GetArray()) {
    if (!name.IsString() || !is_image_name(name.GetString())) return false;
    r.chain.emplace_back(name.GetString());
  }
  return true;
}
}  // namespace

bool Record::uses(std::string_view name) const {
  return file == name || std::find(chain.begin(), chain.end(), name) != chain.end();
}

std::string refs_text(const Record& record) { return "{" + data_members(record) + "}"; }

std::string sidecar_text(const Record& r) {
  return "{\"kind\":" + std::to_string(r.kind) + ",\"id\":" + json_quoted(r.id) + "," + data_members(r) +
         ",\"asked\":" + std::to_string(r.asked_bytes) + ",\"source_kind\":" + std::to_string(r.source_kind) +
         ",\"source_id\":" + json_quoted(r.source_id) + ",\"facts\":" + (r.facts.empty() ? "{}" : r.facts) + "}\n";
}

Record parse_refs(uint32_t kind, const std::string& id, std::string_view refs) {
  Record r;
  r.kind = kind;
  r.id = id;
  const auto d = parse_object(refs);
  if (!d || !read_data_members(*d, r))
    throw Error(VBS_INVALID, "the refs of " + id + " were not written by this version of storage_lustre: " +
                                 (refs.empty() ? "they are empty" : std::string(refs.substr(0, 80))) +
                                 "; run reconcile to see what the back-end has");
  return r;
}

std::optional<Record> parse_sidecar(std::string_view text) {
  const auto d = parse_object(text);
  if (!d) return std::nullopt;
  Record r;
  const auto kind = number_of(*d, "kind"), asked = number_of(*d, "asked"), source = number_of(*d, "source_kind");
  const auto id = string_of(*d, "id"), source_id = string_of(*d, "source_id");
  const auto* facts = member(*d, "facts");
  if ((kind != VBS_KIND_VOLUME && kind != VBS_KIND_SNAPSHOT) || !asked || !source || !id || !is_uuid(*id) ||
      !source_id || !facts || !facts->IsObject() || !read_data_members(*d, r))
    return std::nullopt;
  r.kind = static_cast<uint32_t>(*kind);
  r.id = *id;
  r.asked_bytes = *asked;
  r.source_kind = static_cast<uint32_t>(*source);
  r.source_id = *source_id;
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  facts->Accept(writer);
  r.facts.assign(buffer.GetString(), buffer.GetSize());
  return r;
}

}  // namespace vbs::lustre
