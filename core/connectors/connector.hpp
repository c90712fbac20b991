// The node side of an export (include/vbs/plugin/connector.h): turns a connection into a source that a hypervisor
// opens. `file` is built in. Threading and errors as in core/plugin_host/storage_backend.hpp.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "core/plugin_host/storage_backend.hpp"

namespace vbs {

class Connector {
 public:
  virtual ~Connector() = default;
  virtual Source connect(const Call&, const Connection&, const std::string& serial) = 0;
  virtual void disconnect(const Call&, const Connection&) = 0;  // what is not connected: nothing
  // Whether what connect() makes on the node is there, asked by the target's name, never through a device. Where it
  // makes nothing: true.
  virtual bool connected(const Call&, const Connection&) = 0;
  virtual void rescan(const Call&, const Connection&, uint64_t size_bytes) = 0;  // the volume has grown to that
};

// "file": the export's path is already reachable on the node. Checks only that it is there and a regular file; a file
// has no serial to compare, so the hypervisor's <serial> is all the identity it gets.
std::unique_ptr<Connector> make_file_connector();

// "iscsi" for a hypervisor with an initiator of its own (QEMU's libiscsi): the source is a network one.
std::unique_ptr<Connector> make_iscsi_connector();

// Those of the machine that this process runs on, by the kind of connection.
std::map<std::string, std::unique_ptr<Connector>> local_connectors();

}  // namespace vbs
