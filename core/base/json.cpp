#include "core/base/json.hpp"

#include <fmt/format.h>
#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

#include <unordered_set>

#include "core/base/error.hpp"
#include "core/base/log.hpp"

namespace vbs {
namespace {
constexpr int kMaxDepth = 32;

// A SAX pass before the DOM is built: depth and duplicate keys. RapidJSON keeps duplicates, and two readers that choose
// differently among them are a known way round a check (RFC 8259, section 4).
struct Checker : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Checker> {
  std::vector<std::unordered_set<std::string>> keys;
  std::string problem;
  bool enter() {
    if (keys.size() >= kMaxDepth) {
      problem = fmt::format("nested deeper than {} levels", kMaxDepth);
      return false;
    }
    keys.emplace_back();
    return true;
  }
  bool StartObject() { return enter(); }
  bool EndObject(rapidjson::SizeType) { return keys.pop_back(), true; }
  bool StartArray() { return enter(); }
  bool EndArray(rapidjson::SizeType) { return keys.pop_back(), true; }
  bool Key(const char* s, rapidjson::SizeType n, bool) {
    if (keys.back().emplace(s, n).second) return true;
    problem = fmt::format("key '{}' appears twice", for_log({s, n}, 64));
    return false;
  }
};
}  // namespace

rapidjson::Document parse_json(std::string_view text) {
  // Not kParseFullPrecisionFlag: "0e99" makes it count the leading zeros of 0, which is undefined.
  constexpr unsigned flags = rapidjson::kParseValidateEncodingFlag;
  if (text.empty()) throw Error(Code::invalid, "the body is empty: a JSON object is needed");
  // RapidJSON takes a NUL for the end of its input: what stands behind one would pass unseen.
  if (const auto nul = text.find('\0'); nul != text.npos)
    throw Error(Code::invalid, fmt::format("not acceptable JSON: a NUL byte (byte {})", nul));
  {
    Checker checker;
    rapidjson::Reader reader;
    rapidjson::MemoryStream in(text.data(), text.size());
    rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> stream(in);
    const auto ok = reader.Parse<flags | rapidjson::kParseIterativeFlag>(stream, checker);
    if (ok.IsError()) {
      const std::string why = checker.problem.empty() ? rapidjson::GetParseError_En(ok.Code()) : checker.problem;
      throw Error(Code::invalid, fmt::format("not acceptable JSON: {} (byte {})", why, ok.Offset()));
    }
  }
  rapidjson::Document d;
  d.Parse<flags>(text.data(), text.size());
  if (d.HasParseError()) throw Error(Code::invalid, "not acceptable JSON");
  return d;
}

std::string to_json(const rapidjson::Value& value) {
  JsonBuffer b;
  JsonWriter w(b);
  value.Accept(w);
  return {b.GetString(), b.GetSize()};
}

ObjectReader::ObjectReader(const rapidjson::Value& value, std::string where) : value_(value), where_(std::move(where)) {
  if (!value.IsObject())
    throw Error(Code::invalid, (where_.empty() ? "the body" : "'" + where_ + "'") + " must be a JSON object", where_);
}

void ObjectReader::bad(const char* name, const std::string& what) const {
  const std::string field = where_.empty() ? name : where_ + "." + name;
  throw Error(Code::invalid, "'" + field + "' " + what, field);
}

const rapidjson::Value* ObjectReader::find(const char* name) {
  seen_.insert(name);
  const auto it = value_.FindMember(name);
  return it == value_.MemberEnd() || it->value.IsNull() ? nullptr : &it->value;
}

std::optional<std::string> ObjectReader::optional_string(const char* name, size_t max_bytes) {
  const auto* v = find(name);
  if (!v) return std::nullopt;
  if (!v->IsString()) bad(name, "must be a string");
  if (v->GetStringLength() > max_bytes)
    bad(name, fmt::format("has {} bytes; the limit is {}", v->GetStringLength(), max_bytes));
  std::string s(v->GetString(), v->GetStringLength());
  check_text(s, name, max_bytes);
  return s;
}

std::string ObjectReader::required_string(const char* name, size_t max_bytes, size_t min_bytes) {
  auto s = optional_string(name, max_bytes);
  if (!s) bad(name, "is missing: a string is needed");
  if (s->size() < min_bytes) bad(name, fmt::format("must have at least {} byte(s)", min_bytes));
  return *s;
}

std::optional<uint64_t> ObjectReader::optional_u64(const char* name, uint64_t min, uint64_t max) {
  const auto* v = find(name);
  if (!v) return std::nullopt;
  const std::string range = fmt::format("must be a whole number from {} to {}", min, max);
  if (!v->IsUint64()) bad(name, range);
  if (v->GetUint64() < min || v->GetUint64() > max) bad(name, fmt::format("is {}; it {}", v->GetUint64(), range));
  return v->GetUint64();
}

uint64_t ObjectReader::required_u64(const char* name, uint64_t min, uint64_t max) {
  auto n = optional_u64(name, min, max);
  if (!n) bad(name, fmt::format("is missing: a whole number from {} to {} is needed", min, max));
  return *n;
}

std::optional<bool> ObjectReader::optional_bool(const char* name) {
  const auto* v = find(name);
  if (!v) return std::nullopt;
  if (!v->IsBool()) bad(name, "must be true or false");
  return v->GetBool();
}

std::optional<std::map<std::string, std::string>> ObjectReader::optional_map(const char* name, size_t max_entries,
                                                                             size_t max_bytes) {
  const auto* v = find(name);
  if (!v) return std::nullopt;
  if (!v->IsObject()) bad(name, "must be an object of strings");
  if (v->MemberCount() > max_entries)
    bad(name, fmt::format("has {} entries; the limit is {}", v->MemberCount(), max_entries));
  std::map<std::string, std::string> out;
  for (const auto& m : v->GetObject()) {
    const std::string k(m.name.GetString(), m.name.GetStringLength());
    if (k.empty() || k.size() > max_bytes)
      bad(name, fmt::format("has a key of {} bytes; 1 to {} are allowed", k.size(), max_bytes));
    if (!m.value.IsString()) bad(name, fmt::format("value of '{}' must be a string", for_log(k, 64)));
    if (m.value.GetStringLength() > max_bytes)
      bad(name, fmt::format("value of '{}' is over {} bytes", for_log(k, 64), max_bytes));
    std::string value(m.value.GetString(), m.value.GetStringLength());
    check_text(k, name, max_bytes);
    check_text(value, name, max_bytes);
    out.emplace(k, std::move(value));
  }
  return out;
}

const rapidjson::Value* ObjectReader::optional_object(const char* name) {
  const auto* v = find(name);
  if (v && !v->IsObject()) bad(name, "must be an object");
  return v;
}

const rapidjson::Value* ObjectReader::optional_array(const char* name) {
  const auto* v = find(name);
  if (v && !v->IsArray()) bad(name, "must be an array");
  return v;
}

void ObjectReader::finish() const {
  for (const auto& m : value_.GetObject()) {
    const std::string name(m.name.GetString(), m.name.GetStringLength());
    if (!seen_.count(name)) bad(for_log(name, 64).c_str(), "is not a field of this request");
  }
}

void check_text(std::string_view value, const char* field, size_t max_bytes) {
  if (value.size() > max_bytes)
    throw Error(Code::invalid, fmt::format("'{}' has {} bytes; the limit is {}", field, value.size(), max_bytes),
                field);
  for (const char c : value) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 0x20 || u == 0x7f)
      throw Error(Code::invalid, fmt::format("'{}' contains a control character", field), field);
  }
}
}  // namespace vbs
