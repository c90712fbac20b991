// Reads what this plugin needs of a libvirt domain XML (https://libvirt.org/formatdomain.html). No libvirtd involved.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace vbs::kvm {

struct XmlDisk {
  std::string device;  // <target dev>: a label, not what the guest calls it
  std::string bus;
  std::string role;  // "disk", "lun", "cdrom", "floppy"
  std::string path;  // of a network disk PROTOCOL:NAME; empty for an empty drive
  std::string format;
  std::string serial;
  std::string alias;  // QEMU's name for it; a running VM's disks have one
  bool read_only = false;
  std::vector<std::string> backing;  // paths under it, nearest first, as far as they are stated
  std::string xml;                   // the whole element, as libvirt wants it for a detach
};

struct DomainXml {
  bool live = false;  // of the running VM, not of its definition
  bool virtio_scsi = false;
  bool agent = false;  // a channel for the guest agent, and the agent at its other end
  std::vector<XmlDisk> disks;
  std::set<std::string> images;  // libvirt's numbers of all images under the disks of a running VM

  const XmlDisk* by_serial(std::string_view serial) const;
  const XmlDisk* by_device(std::string_view device) const;
};

// Throws Error(VBS_INTERNAL) if libvirt sent something that is not a domain.
DomainXml parse_domain(std::string_view xml);

// Whether an image node of QEMU ("libvirt-7-format") is one that libvirt gave to a disk and does not list among
// `known` ("7", from its description of the VM).
bool is_leftover_node(const std::string& node, const std::set<std::string>& known);

}  // namespace vbs::kvm
