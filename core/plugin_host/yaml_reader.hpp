// Strict reading of YAML mappings: unknown and duplicate keys (yaml-cpp keeps both), wrong types and values are errors
// that name file, line and key. All functions throw Error(invalid).
#pragma once
#include <yaml-cpp/yaml.h>

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace vbs {

class YamlMap {
 public:
  // `where` is the key that leads here ("commands.clone"), empty for the whole file.
  YamlMap(YAML::Node node, std::string file, std::string where);
  std::optional<YAML::Node> find(const std::string& name);
  std::optional<std::string> text(const std::string& name, size_t max_bytes);
  std::string required_text(const std::string& name, size_t max_bytes);
  std::optional<int64_t> integer(const std::string& name, int64_t min, int64_t max);
  std::optional<double> number(const std::string& name);
  bool flag(const std::string& name);  // absent: false
  std::vector<std::string> text_list(const std::string& name, size_t max_bytes);
  std::vector<int64_t> integer_list(const std::string& name, int64_t min, int64_t max);
  YamlMap map(const std::string& name);                                                          // absent: an empty one
  void each(const std::function<void(const std::string& key, const YAML::Node& value)>& visit);  // every key is known
  void finish() const;  // refuses keys that nobody asked for

  const std::string& file() const { return file_; }
  std::string path_of(const std::string& name) const { return where_.empty() ? name : where_ + "." + name; }
  [[noreturn]] void bad(const YAML::Node& node, const std::string& name, const std::string& what) const;

 private:
  YAML::Node node_;
  std::string file_, where_;
  std::set<std::string> seen_;
};

// Reads and parses a file of at most `max_bytes`.
YAML::Node load_yaml_file(const std::string& path, size_t max_bytes);

}  // namespace vbs
