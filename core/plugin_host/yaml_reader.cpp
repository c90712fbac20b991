#include "core/plugin_host/yaml_reader.hpp"

#include <fmt/format.h>

#include <fstream>

#include "core/base/error.hpp"
#include "core/base/log.hpp"
#include "core/base/utf8.hpp"

namespace vbs {
namespace {
std::string line_of(const YAML::Mark& mark) { return mark.is_null() ? "" : fmt::format(":{}", mark.line + 1); }

std::optional<std::string> scalar(const YAML::Node& node) {
  if (!node.IsScalar()) return std::nullopt;
  return node.Scalar();
}
}  // namespace

YamlMap::YamlMap(YAML::Node node, std::string file, std::string where)
    : node_(std::move(node)), file_(std::move(file)), where_(std::move(where)) {
  if (node_.IsNull()) return;
  if (!node_.IsMap())
    throw Error(Code::invalid,
                fmt::format("{}{}: {} must be a mapping of keys to values", file_, line_of(node_.Mark()),
                            where_.empty() ? "the file" : "'" + for_log(where_) + "'"),
                for_log(where_));
  std::set<std::string> keys;
  for (const auto& entry : node_) {
    const auto key = scalar(entry.first);
    if (!key) bad(entry.first, "?", "is a key that is not plain text");
    if (!keys.insert(*key).second) bad(entry.first, *key, "appears twice; keep one of them");
  }
}

void YamlMap::bad(const YAML::Node& node, const std::string& name, const std::string& what) const {
  const std::string path = for_log(path_of(name));
  throw Error(Code::invalid, fmt::format("{}{}: '{}' {}", file_, line_of(node.Mark()), path, for_log(what, 2048)),
              path);
}

std::optional<YAML::Node> YamlMap::find(const std::string& name) {
  seen_.insert(name);
  if (!node_.IsMap()) return std::nullopt;
  for (const auto& entry : node_)
    if (entry.first.Scalar() == name) return entry.second;
  return std::nullopt;
}

std::optional<std::string> YamlMap::text(const std::string& name, size_t max_bytes) {
  const auto node = find(name);
  if (!node) return std::nullopt;
  const auto value = scalar(*node);
  if (!value) bad(*node, name, "must be text");
  if (value->size() > max_bytes)
    bad(*node, name, fmt::format("has {} bytes; the limit is {}", value->size(), max_bytes));
  if (!is_utf8(*value) || value->find('\0') != std::string::npos) bad(*node, name, "is not UTF-8 text");
  return value;
}

std::string YamlMap::required_text(const std::string& name, size_t max_bytes) {
  const auto value = text(name, max_bytes);
  if (!value || value->empty()) bad(node_, name, "is missing: text is needed");
  return *value;
}

std::optional<int64_t> YamlMap::integer(const std::string& name, int64_t min, int64_t max) {
  const auto node = find(name);
  if (!node) return std::nullopt;
  int64_t value = 0;
  if (!node->IsScalar() || !YAML::convert<int64_t>::decode(*node, value) || value < min || value > max)
    bad(*node, name, fmt::format("must be a whole number from {} to {}", min, max));
  return value;
}

std::optional<double> YamlMap::number(const std::string& name) {
  const auto node = find(name);
  if (!node) return std::nullopt;
  double value = 0;
  if (!node->IsScalar() || !YAML::convert<double>::decode(*node, value)) bad(*node, name, "must be a number");
  return value;
}

bool YamlMap::flag(const std::string& name) {
  const auto node = find(name);
  if (!node) return false;
  bool value = false;
  if (!node->IsScalar() || !YAML::convert<bool>::decode(*node, value)) bad(*node, name, "must be true or false");
  return value;
}

std::vector<std::string> YamlMap::text_list(const std::string& name, size_t max_bytes) {
  std::vector<std::string> out;
  const auto node = find(name);
  if (!node) return out;
  if (!node->IsSequence()) bad(*node, name, "must be a list");
  for (const auto& item : *node) {
    const auto value = scalar(item);
    if (!value || value->size() > max_bytes || !is_utf8(*value) || value->find('\0') != std::string::npos)
      bad(item, name, fmt::format("must be a list of texts of at most {} bytes", max_bytes));
    out.push_back(*value);
  }
  return out;
}

std::vector<int64_t> YamlMap::integer_list(const std::string& name, int64_t min, int64_t max) {
  std::vector<int64_t> out;
  const auto node = find(name);
  if (!node) return out;
  const std::string what = fmt::format("must be a list of whole numbers from {} to {}", min, max);
  if (!node->IsSequence()) bad(*node, name, what);
  for (const auto& item : *node) {
    int64_t value = 0;
    if (!item.IsScalar() || !YAML::convert<int64_t>::decode(item, value) || value < min || value > max)
      bad(item, name, what);
    out.push_back(value);
  }
  return out;
}

YamlMap YamlMap::map(const std::string& name) {
  return {find(name).value_or(YAML::Node(YAML::NodeType::Null)), file_, path_of(name)};
}

void YamlMap::each(const std::function<void(const std::string&, const YAML::Node&)>& visit) {
  if (!node_.IsMap()) return;
  for (const auto& entry : node_) {
    seen_.insert(entry.first.Scalar());
    visit(entry.first.Scalar(), entry.second);
  }
}

void YamlMap::finish() const {
  if (!node_.IsMap()) return;
  for (const auto& entry : node_)
    if (!seen_.count(entry.first.Scalar())) bad(entry.first, entry.first.Scalar(), "is not a key of this format");
}

YAML::Node load_yaml_file(const std::string& path, size_t max_bytes) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(Code::invalid, path + ": cannot be read; check that it is there and its permissions");
  std::string content(max_bytes + 1, '\0');
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<size_t>(in.gcount()));
  if (content.size() > max_bytes)
    throw Error(Code::invalid, fmt::format("{}: is larger than the limit of {} bytes", path, max_bytes));
  try {
    return YAML::Load(content);
  } catch (const YAML::Exception& e) {
    throw Error(Code::invalid, fmt::format("{}{}: not acceptable YAML: {}", path, line_of(e.mark), for_log(e.msg)));
  }
}

}  // namespace vbs
