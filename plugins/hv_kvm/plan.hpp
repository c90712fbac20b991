// Decides what an attach has to do, from what libvirt says the VM has. Pure: no libvirtd involved.
#pragma once
#include <optional>
#include <string>

#include "disk_xml.hpp"
#include "domain_xml.hpp"

namespace vbs::kvm {

// One VM as libvirt described it at one moment. A running transient VM has no definition, a VM that is shut off has
// nothing live.
struct VmView {
  std::string name;
  std::optional<DomainXml> live;
  std::optional<DomainXml> definition;

  // The disk, live if it is there, else of the definition; null: in neither.
  const XmlDisk* disk(std::string_view serial) const;
};

struct AttachPlan {
  bool live = false;        // plug it in
  bool definition = false;  // write it into the definition
  std::string device;
};

// `wanted`: "vdb", "/dev/vdb" or empty. Throws Error: VBS_BUSY (shut off), VBS_CONFLICT (other disk under this serial,
// device name taken), VBS_INVALID (device name), VBS_NOT_SUPPORTED (no virtio-scsi controller).
AttachPlan plan_attach(const VmView& vm, const DiskSpec& spec, const std::string& wanted, const Config& config);

}  // namespace vbs::kvm
