#include "core/http/router.hpp"

#include "core/http/head.hpp"
#include "core/http/target.hpp"

namespace vbs::http {
void Router::add(const std::string& method, const std::string& pattern, Handler handler) {
  const auto bad = [&](const std::string& why) {
    return Error(Code::invalid, "route " + method + " " + pattern + ": " + why, "pattern");
  };
  if (!is_token(method) || method == "TRACE" || method == "CONNECT") throw bad("no such method");
  if (!handler) throw bad("it has no handler");
  std::vector<std::string> names;
  Node* node = &root_;
  for (const auto& segment : split_path(pattern)) {
    if (segment.starts_with('{')) {
      if (!segment.ends_with('}') || segment.size() < 3) throw bad("a parameter is written {name}, as a whole segment");
      names.push_back(segment.substr(1, segment.size() - 2));
      for (size_t i = 0; i + 1 < names.size(); ++i)
        if (names[i] == names.back()) throw bad("the parameter " + names.back() + " stands twice");
      if (!node->any) node->any = std::make_unique<Node>();
      node = node->any.get();
    } else {
      node = &node->literals[segment];
    }
  }
  if (!node->methods.emplace(method, Route{std::move(handler), std::move(names)}).second) throw bad("it is taken");
}

const Router::Node* Router::walk(const Node& node, const std::vector<std::string>& segments, size_t at,
                                 std::vector<std::string>& values) {
  if (at == segments.size()) return node.methods.empty() ? nullptr : &node;
  if (const auto it = node.literals.find(segments[at]); it != node.literals.end())
    if (const auto* found = walk(it->second, segments, at + 1, values)) return found;
  if (!node.any || segments[at].empty()) return nullptr;
  values.push_back(segments[at]);
  if (const auto* found = walk(*node.any, segments, at + 1, values)) return found;
  values.pop_back();
  return nullptr;
}

Router::Match Router::find(const std::string& method, const std::vector<std::string>& segments) const {
  Match match;
  std::vector<std::string> values;
  const Node* node = walk(root_, segments, 0, values);
  if (!node) return match;
  auto route = node->methods.find(method);
  if (route == node->methods.end() && method == "HEAD") route = node->methods.find("GET");
  if (route != node->methods.end()) {
    match.handler = &route->second.handler;
    for (size_t i = 0; i < values.size(); ++i) match.params.emplace(route->second.names[i], std::move(values[i]));
  }
  for (const auto& [name, unused] : node->methods) {
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += name;
    if (name == "GET" && !node->methods.contains("HEAD")) match.allow += ", HEAD";
  }
  return match;
}
}  // namespace vbs::http
