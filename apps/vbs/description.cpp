#include "apps/vbs/description.hpp"

#include <fmt/format.h>

#include "apps/vbs/failure.hpp"
#include "core/base/log.hpp"

namespace vbs::cli {

void DescriptionOptions::add_to(CLI::App& command, bool update) {
  command.add_option("--name", name,
                     "a name for people; need not be unique, but only a unique one can stand for the id");
  command.add_option("--comment", comment, "free text");
  auto* pairs =
      command.add_option("--metadata", metadata,
                         update ? "NAME=VALUE, may be repeated; replaces all metadata" : "NAME=VALUE, may be repeated");
  pairs->type_name("NAME=VALUE")->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  if (update) command.add_flag("--clear-metadata", clear_metadata, "remove all metadata")->excludes(pairs);
}

void DescriptionOptions::write(JsonWriter& writer) const {
  if (name) key(writer, "name"), put(writer, *name);
  if (comment) key(writer, "comment"), put(writer, *comment);
  if (metadata.empty() && !clear_metadata) return;
  key(writer, "metadata");
  writer.StartObject();
  for (const auto& [k, v] : parse_metadata(metadata)) {
    key(writer, k);
    put(writer, v);
  }
  writer.EndObject();
}

std::map<std::string, std::string> parse_metadata(const std::vector<std::string>& pairs) {
  std::map<std::string, std::string> out;
  for (const auto& pair : pairs) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0)
      throw Failure(Exit::usage, fmt::format("metadata '{}' is not NAME=VALUE", for_log(pair, 64)),
                    "for example --metadata rack=b4");
    if (!out.emplace(pair.substr(0, equals), pair.substr(equals + 1)).second)
      throw Failure(Exit::usage, fmt::format("metadata '{}' is given twice", for_log(pair.substr(0, equals), 64)));
  }
  return out;
}

std::string json_object(const std::vector<std::pair<const char*, std::string>>& fields) {
  JsonBuffer buffer;
  JsonWriter writer(buffer);
  writer.StartObject();
  for (const auto& [name, value] : fields) {
    if (value.empty()) continue;
    key(writer, name);
    put(writer, value);
  }
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace vbs::cli
