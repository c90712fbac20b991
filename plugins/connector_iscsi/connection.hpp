// The connection data of kind "iscsi" (vbs/plugin/connector.h), checked.
#pragma once
#include <string>
#include <vector>

#include "vbs/plugin/connector.hpp"

namespace vbs::iscsi {

struct Target {
  std::string iqn, user;
  std::vector<std::string> portals;  // ADDRESS:PORT
  int lun = 0;
  std::string link() const { return iqn + "-lun-" + std::to_string(lun); }  // name of the link to its device
};

// Throws Error(VBS_INVALID) naming the member.
Target read_target(const plugin::Host& host, const plugin::ConnectionArgs& connection);

// InitiatorName= of open-iscsi's file; empty: none.
std::string own_initiator(const std::string& file);

}  // namespace vbs::iscsi
