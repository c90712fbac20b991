// JSON in and out, on RapidJSON. Input is strict: UTF-8 checked, no duplicate keys, bounded depth, whole text used; and
// read through ObjectReader, which refuses wrong types, out-of-range values and unknown fields, naming each.
//
//   ObjectReader r(parse_json(body));
//   auto size = r.required_u64("size_gib", 1, 65536);
//   auto name = r.optional_string("name", 255);
//   r.finish();   // 400 for any field that nobody asked for
#pragma once
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace vbs {

// Throws Error(invalid): "body is not JSON: ... at byte N", duplicate keys, depth over 32.
rapidjson::Document parse_json(std::string_view text);
std::string to_json(const rapidjson::Value& value);

// The writer for answers: 4-5x a DOM (docs/performance.md).
using JsonBuffer = rapidjson::StringBuffer;
using JsonWriter = rapidjson::Writer<JsonBuffer>;
inline void put(JsonWriter& w, std::string_view s) { w.String(s.data(), static_cast<rapidjson::SizeType>(s.size())); }
inline void key(JsonWriter& w, std::string_view s) { w.Key(s.data(), static_cast<rapidjson::SizeType>(s.size())); }

class ObjectReader {
 public:
  // `where` prefixes field names in errors ("volume.size"). Keeps a reference to `value`.
  explicit ObjectReader(const rapidjson::Value& value, std::string where = {});
  std::string required_string(const char* name, size_t max_bytes, size_t min_bytes = 1);
  std::optional<std::string> optional_string(const char* name, size_t max_bytes);  // null counts as absent
  uint64_t required_u64(const char* name, uint64_t min, uint64_t max);
  std::optional<uint64_t> optional_u64(const char* name, uint64_t min, uint64_t max);
  std::optional<bool> optional_bool(const char* name);
  // String to string; keys and values limited; nullopt if absent.
  std::optional<std::map<std::string, std::string>> optional_map(const char* name, size_t max_entries,
                                                                 size_t max_bytes);
  const rapidjson::Value* optional_object(const char* name);
  const rapidjson::Value* optional_array(const char* name);
  void finish() const;  // throws for the first unknown field

 private:
  const rapidjson::Value* find(const char* name);
  [[noreturn]] void bad(const char* name, const std::string& what) const;
  const rapidjson::Value& value_;
  std::string where_;
  std::set<std::string> seen_;
};

// Names and comments that people type: UTF-8 (checked by the parser), no control characters. Throws Error(invalid).
void check_text(std::string_view value, const char* field, size_t max_bytes);

}  // namespace vbs
