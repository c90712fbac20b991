// Requests to the service as the commands make them: JSON in, JSON out, every failure a Failure with a hint.
#pragma once
#include <rapidjson/document.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apps/vbs/settings.hpp"
#include "apps/vbs/transport.hpp"

namespace vbs::cli {

// "/v1/volumes" plus encoded path segments and query parameters.
class Target {
 public:
  explicit Target(std::string path) : text_(std::move(path)) {}
  Target& segment(std::string_view text);
  Target& query(std::string_view name, std::string_view value);  // an empty value is left out
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  bool has_query_ = false;
};

class Session {
 public:
  Session(Settings settings, std::unique_ptr<Transport> transport);

  rapidjson::Document get(const Target& target);
  // Carries an Idempotency-Key, and is sent again with the same one when the connection breaks: once taken, never
  // twice. `hold` asks the service to hold its answer back for a second, which most operations do not need.
  rapidjson::Document post(const Target& target, const std::string& body, bool hold = false);
  rapidjson::Document patch(const Target& target, const std::string& body);
  rapidjson::Document remove(const Target& target, bool hold = false);
  // Every page of a list, as one object {"FIELD": [...]}.
  rapidjson::Document list(const Target& target, const char* field);
  // For health: 503 has a body that is not an error.
  rapidjson::Document get_any_status(const Target& target);

  const Settings& settings() const { return settings_; }

 private:
  http::ClientResponse send(const std::string& method, const Target& target, const std::string& body,
                            const http::Fields& headers);
  rapidjson::Document accept(const http::ClientResponse& answer, const Target& target) const;

  Settings settings_;
  std::unique_ptr<Transport> transport_;
};

}  // namespace vbs::cli
