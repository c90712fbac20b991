#include "core/connectors/connector.hpp"

namespace vbs {
std::map<std::string, std::unique_ptr<Connector>> local_connectors() {
  std::map<std::string, std::unique_ptr<Connector>> out;
  out["file"] = make_file_connector();
  out["iscsi"] = make_iscsi_connector();
  return out;
}
}  // namespace vbs
