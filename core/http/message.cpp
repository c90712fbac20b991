#include "core/http/message.hpp"

#include "core/base/json.hpp"

namespace vbs::http {
namespace {
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
}  // namespace

bool iequals(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

std::optional<std::string_view> find_field(const Fields& fields, std::string_view name) {
  for (const auto& [key, value] : fields)
    if (iequals(key, name)) return value;
  return std::nullopt;
}

std::optional<std::string_view> Request::header(std::string_view name) const { return find_field(headers, name); }

std::optional<std::string_view> Request::query_value(std::string_view name) const {
  std::optional<std::string_view> found;
  for (const auto& [key, value] : query) {
    if (key != name) continue;
    if (found)
      throw Error(Code::invalid, "query parameter '" + std::string(name) + "' is given twice; give it once",
                  std::string(name));
    found = value;
  }
  return found;
}

Response error_response(int status, std::string_view code, std::string_view message, const std::string& request_id,
                        std::string_view field) {
  JsonBuffer buffer;
  JsonWriter w(buffer);
  w.StartObject();
  key(w, "error");
  w.StartObject();
  key(w, "code");
  put(w, code);
  key(w, "message");
  put(w, message);
  if (!field.empty()) {
    key(w, "field");
    put(w, field);
  }
  key(w, "request_id");
  put(w, request_id);
  w.EndObject();
  w.EndObject();
  Response response;
  response.status = status;
  response.body.assign(buffer.GetString(), buffer.GetSize());
  return response;
}

Response error_response(const Error& error, const std::string& request_id) {
  auto response =
      error_response(http_status(error.code()), to_string(error.code()), error.what(), request_id, error.field());
  if (error.code() == Code::busy) response.headers.emplace_back("Retry-After", "1");
  return response;
}
}  // namespace vbs::http
