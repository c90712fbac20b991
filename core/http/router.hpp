// Which handler serves a path. A tree by segment: a literal wins over `{name}`, with a way back where the literal
// branch leads nowhere. Built before the server starts, then only read, from any thread.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/http/server.hpp"

namespace vbs::http {

class Router {
 public:
  struct Match {
    const Handler* handler = nullptr;  // null: no such path, or not with this method
    std::map<std::string, std::string> params;
    std::string allow;  // not empty when the path is known: "GET, HEAD, POST"
  };

  void add(const std::string& method, const std::string& pattern, Handler handler);  // throws Error(invalid)
  Match find(const std::string& method, const std::vector<std::string>& segments) const;

 private:
  struct Route {
    Handler handler;
    std::vector<std::string> names;  // of the parameters, in order: they belong to the route, not to the tree
  };
  struct Node {
    std::map<std::string, Node> literals;
    std::unique_ptr<Node> any;
    std::map<std::string, Route> methods;
  };
  static const Node* walk(const Node& node, const std::vector<std::string>& segments, size_t at,
                          std::vector<std::string>& values);
  Node root_;
};

}  // namespace vbs::http
