#include "core/service/sidecar_facts.hpp"

#include "core/base/clock.hpp"
#include "core/base/ids.hpp"
#include "core/base/json.hpp"

namespace vbs {
namespace {
constexpr size_t kMaxText = 4096;

std::string text(const rapidjson::Value& object, const char* name) {
  const auto it = object.FindMember(name);
  if (it == object.MemberEnd() || !it->value.IsString() || it->value.GetStringLength() > kMaxText) return "";
  return {it->value.GetString(), it->value.GetStringLength()};
}

std::string id(const rapidjson::Value& object, const char* name) {
  auto out = text(object, name);
  return is_uuid(out) ? out : "";
}

std::string metadata(const rapidjson::Value& object) {
  const auto it = object.FindMember("metadata");
  if (it == object.MemberEnd() || !it->value.IsObject()) return "{}";
  for (const auto& m : it->value.GetObject())
    if (!m.value.IsString()) return "{}";
  return to_json(it->value);
}
}  // namespace

SidecarFacts parse_sidecar_facts(const ObjectState& object) {
  SidecarFacts f;
  f.created_at = now_us();
  const auto d = parse_json(object.facts.empty() ? "{}" : object.facts);
  if (!d.IsObject()) return f;
  f.name = text(d, "name");
  f.comment = text(d, "comment");
  f.metadata = metadata(d);
  f.project_id = id(d, "project_id");
  f.user_id = id(d, "user_id");
  f.volume_id = id(d, "volume_id");
  f.snapshot_id = id(d, "snapshot_id");
  f.source_volume_id = id(d, "source_volume_id");
  if (const auto at = parse_rfc3339(text(d, "created_at"))) f.created_at = *at;
  const auto owner = d.FindMember("owner");
  if (owner == d.MemberEnd() || !owner->value.IsObject() || f.user_id.empty() || f.project_id.empty()) return f;
  const auto subject = text(owner->value, "subject"), source = text(owner->value, "source");
  if (subject.empty() || source.empty()) return f;
  f.user = {f.user_id, source, text(owner->value, "issuer"), subject, f.project_id, f.created_at};
  return f;
}
}  // namespace vbs
