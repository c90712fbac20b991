// What the kernel's initiator has now, read from sysfs: sessions are found by the name of their target, never through a
// device, which may have vanished before its session (8 such orphans once brought a node to load 56). Changes nothing.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vbs::iscsi {

struct Session {
  std::string name;  // "session3"
  bool logged_in = false;
  std::string device;  // "sdb" of the LUN asked for; empty: not there (yet)
};

// Sessions of that target on this node, whoever made them.
std::vector<Session> sessions_of(const std::string& sysfs, const std::string& iqn, int lun);

// VPD page 80h as the kernel has read it (SPC-4, 7.8.15); nullopt: the device does not tell.
std::optional<std::string> serial_of(const std::string& sysfs, const std::string& device);

uint64_t size_of(const std::string& sysfs, const std::string& device);  // bytes; 0: gone

// The multipath map on top of the device: its name under /dev/mapper; empty: none.
std::string map_of(const std::string& sysfs, const std::string& device);

}  // namespace vbs::iscsi
