#include <fmt/format.h>

#include "apps/vbs/json_fields.hpp"
#include "apps/vbs/size.hpp"
#include "apps/vbs/views.hpp"
#include "core/base/log.hpp"

namespace vbs::cli {

std::string reason_text(const rapidjson::Value& error) {
  const std::string message = text(error, "message");
  return message.empty() ? std::string() : fmt::format("{} ({})", message, text(error, "code"));
}

std::string size_text(const rapidjson::Value& object) {
  const uint64_t bytes = number(object, "size_bytes");
  return fmt::format("{} ({} bytes)", format_size(bytes), bytes);
}

std::string display_name(const rapidjson::Value& object) {
  const std::string name = for_log(text(object, "name"), 255);
  return name.empty() ? text(object, "id") : fmt::format("{} ({})", text(object, "id"), name);
}

}  // namespace vbs::cli
