#include "domain_xml.hpp"

#include <algorithm>
#include <pugixml.hpp>
#include <sstream>

#include "vbs/plugin/plugin.hpp"

namespace vbs::kvm {
namespace {

std::string path_of(const pugi::xml_node& source) {
  if (const auto protocol = source.attribute("protocol"))
    return std::string(protocol.value()) + ":" + source.attribute("name").value();
  const auto file = source.attribute("file");
  return file ? file.value() : source.attribute("dev").value();
}

XmlDisk read_disk(const pugi::xml_node& node) {
  XmlDisk d;
  const auto target = node.child("target");
  const auto source = node.child("source");
  d.device = target.attribute("dev").value();
  d.bus = target.attribute("bus").value();
  d.role = node.attribute("device").as_string("disk");
  d.format = node.child("driver").attribute("type").value();
  d.alias = node.child("alias").attribute("name").value();
  d.serial = node.child("serial").text().get();
  d.read_only = !node.child("readonly").empty();
  d.path = path_of(source);
  for (auto under = node.child("backingStore"); under.child("source"); under = under.child("backingStore")) {
    d.backing.push_back(path_of(under.child("source")));
  }
  std::ostringstream out;
  node.print(out, "", pugi::format_raw);
  d.xml = out.str();
  return d;
}

const XmlDisk* find(const std::vector<XmlDisk>& disks, std::string XmlDisk::*field, std::string_view value) {
  const auto at = std::find_if(disks.begin(), disks.end(), [&](const XmlDisk& d) { return d.*field == value; });
  return at == disks.end() || value.empty() ? nullptr : &*at;
}

}  // namespace

const XmlDisk* DomainXml::by_serial(std::string_view serial) const { return find(disks, &XmlDisk::serial, serial); }
const XmlDisk* DomainXml::by_device(std::string_view device) const { return find(disks, &XmlDisk::device, device); }

DomainXml parse_domain(std::string_view xml) {
  pugi::xml_document document;
  const auto parsed = document.load_buffer(xml.data(), xml.size());
  const auto root = document.child("domain");
  if (!parsed || !root) {
    throw plugin::Error(VBS_INTERNAL, std::string("libvirt's description of the VM cannot be read: ") +
                                          (parsed ? "no <domain>" : parsed.description()));
  }
  DomainXml d;
  d.live = !root.attribute("id").empty();
  const auto devices = root.child("devices");
  for (const auto& node : devices.children("disk")) d.disks.push_back(read_disk(node));
  for (const auto& found : devices.select_nodes("disk//source/@index")) d.images.insert(found.attribute().value());
  for (const auto& node : devices.children("controller")) {
    if (std::string_view(node.attribute("type").value()) == "scsi" &&
        std::string_view(node.attribute("model").value()).starts_with("virtio")) {
      d.virtio_scsi = true;
    }
  }
  for (const auto& node : devices.children("channel")) {
    const auto target = node.child("target");
    d.agent = d.agent || (std::string_view(target.attribute("name").value()) == "org.qemu.guest_agent.0" &&
                          std::string_view(target.attribute("state").value()) == "connected");
  }
  return d;
}

bool is_leftover_node(const std::string& node, const std::set<std::string>& known) {
  constexpr std::string_view prefix = "libvirt-";
  if (!node.starts_with(prefix)) return false;
  const auto dash = node.find('-', prefix.size());
  if (dash == std::string::npos) return false;
  const auto number = node.substr(prefix.size(), dash - prefix.size());
  const auto kind = node.substr(dash + 1);
  // Others, as libvirt-pflash0-storage, are not of disks.
  return !number.empty() && number.find_first_not_of("0123456789") == std::string::npos &&
         (kind == "format" || kind == "storage") && known.count(number) == 0;
}

}  // namespace vbs::kvm
