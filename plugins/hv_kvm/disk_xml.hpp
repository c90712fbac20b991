// Writes the <disk> element of an attach, and checks what goes into it. No libvirtd involved.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "config.hpp"
#include "domain_xml.hpp"
#include "iscsi.hpp"
#include "vbs/plugin/hypervisor.hpp"

namespace vbs::kvm {

struct Image {
  std::string path;    // of a network disk "iscsi:IQN/LUN"
  std::string format;  // "raw", "qcow2"
};

// An attach whose every field was found to be usable.
struct DiskSpec {
  std::string serial;
  std::string vm_uuid;
  bool block = false;  // a block device, not a file
  std::optional<IscsiSource> iscsi;
  Image top;
  std::vector<Image> backing;  // nearest first
  bool read_only = true;
  bool shareable = false;
};

// Throws Error(VBS_INVALID | VBS_NOT_SUPPORTED) naming the field and its limit.
DiskSpec check_disk(const plugin::Host& host, const plugin::AttachArgs& args);

// The name that a disk has in QEMU.
std::string disk_alias(const std::string& serial);

// `device` decides the bus: vdX is virtio-blk, sdX virtio-scsi.
std::string disk_xml(const DiskSpec& spec, const std::string& device, const Config& config);

// The disk of a definition, with the image of `spec` and its whole backing chain in place of its own; all else, its
// address among it, stays.
std::string switched_xml(const std::string& disk, const DiskSpec& spec, const Config& config);

// What has QEMU go over to `spec`'s top on `device`, and leaves every other disk alone: one that is not mentioned would
// get a snapshot, too.
std::string switch_xml(const std::vector<XmlDisk>& disks, const std::string& device, const DiskSpec& spec,
                       const Config& config);

}  // namespace vbs::kvm
