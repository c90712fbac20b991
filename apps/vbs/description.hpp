// --name, --comment and --metadata of creates and updates: parsed once, sent only where they were given.
#pragma once
#include <CLI/CLI.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/json.hpp"

namespace vbs::cli {

struct DescriptionOptions {
  std::optional<std::string> name, comment;
  std::vector<std::string> metadata;
  bool clear_metadata = false;

  void add_to(CLI::App& command, bool update);
  bool given() const { return name || comment || !metadata.empty() || clear_metadata; }
  void write(JsonWriter& writer) const;  // the fields, into an open object
};

// NAME=VALUE; the value may hold '=', too. Throws Failure(usage), also for a name given twice.
std::map<std::string, std::string> parse_metadata(const std::vector<std::string>& pairs);

// {"key": "value", ...} of what is not empty: the bodies of most requests.
std::string json_object(const std::vector<std::pair<const char*, std::string>>& fields);

}  // namespace vbs::cli
