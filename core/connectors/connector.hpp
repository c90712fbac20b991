// The node side of an export (include/vbs/plugin/connector.h): turns a connection into a source that a hypervisor opens.
// `file` is built in. Threading and errors as in core/plugin_host/storage_backend.hpp.
#pragma once
#include <memory>
#include <string>

#include "core/plugin_host/storage_backend.hpp"

namespace vbs {

class Connector {
 public:
  virtual ~Connector() = default;
  virtual Source connect(const Call&, const Connection&, const std::string& serial) = 0;
  virtual void disconnect(const Call&, const Connection&) = 0;
};

// "file": the export's path is already reachable on the node. Checks only that it is there and a regular file; a file
// has no serial to compare, so the hypervisor's <serial> is all the identity it gets.
std::unique_ptr<Connector> make_file_connector();

}  // namespace vbs
