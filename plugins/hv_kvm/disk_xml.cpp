#include "disk_xml.hpp"

#include <algorithm>
#include <pugixml.hpp>
#include <sstream>

namespace vbs::kvm {
namespace {

using plugin::Error;

constexpr size_t max_path_bytes = 4095;  // PATH_MAX less its NUL
constexpr size_t max_serial = 36;        // a UUID; QEMU's scsi-hd shows that many
constexpr size_t max_chain = 128;        // libvirt parses 200 levels of <backingStore>

void check_image(const Image& image, const std::string& what) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (image.path.empty() || image.path.front() != '/' || image.path.size() > max_path_bytes ||
      std::any_of(image.path.begin(), image.path.end(), control)) {
    throw Error(VBS_INVALID, what + " path must be absolute, at most " + std::to_string(max_path_bytes) +
                                 " bytes and without control characters");
  }
  // Every level is named: where a format is missing libvirt or QEMU would look into bytes a guest wrote
  // (CVE-2022-47951).
  if (image.format != "raw" && image.format != "qcow2") {
    throw Error(VBS_INVALID, what + " format is \"" + image.format + "\"; hv_kvm takes raw and qcow2, always stated");
  }
}

pugi::xml_node write_source(pugi::xml_node parent, const Image& image, bool block) {
  auto source = parent.append_child("source");
  source.append_attribute(block ? "dev" : "file") = image.path.c_str();
  return source;
}

void write_iscsi(pugi::xml_node parent, const DiskSpec& spec) {
  auto source = parent.append_child("source");
  source.append_attribute("protocol") = "iscsi";
  source.append_attribute("name") = spec.iscsi->name.c_str();
  auto host = source.append_child("host");
  host.append_attribute("name") = spec.iscsi->address.c_str();
  host.append_attribute("port") = spec.iscsi->port.c_str();
  source.append_child("initiator").append_child("iqn").append_attribute("name") = spec.iscsi->initiator.c_str();
  auto auth = source.append_child("auth");
  auth.append_attribute("username") = spec.iscsi->user.c_str();
  auto secret = auth.append_child("secret");
  secret.append_attribute("type") = "iscsi";
  secret.append_attribute("usage") = secret_usage(spec.vm_uuid, spec.serial).c_str();
}

const char* type_of(const DiskSpec& spec) { return spec.iscsi ? "network" : spec.block ? "block" : "file"; }

// The top of a disk. libvirt applies its label to the whole chain under it.
void write_top(pugi::xml_node parent, const DiskSpec& spec, const Config& config) {
  if (spec.iscsi) return write_iscsi(parent, spec);
  auto source = write_source(parent, spec.top, spec.block);
  if (!config.keep_owner) return;
  auto label = source.append_child("seclabel");
  label.append_attribute("model") = "dac";
  label.append_attribute("relabel") = "no";
}

void write_chain(pugi::xml_node parent, const std::vector<Image>& chain) {
  for (const auto& image : chain) {
    parent = parent.append_child("backingStore");
    parent.append_attribute("type") = "file";
    parent.append_child("format").append_attribute("type") = image.format.c_str();
    write_source(parent, image, false);
  }
  parent.append_child("backingStore");  // empty: the chain ends here, nothing is to be looked for
}

std::string text_of(const pugi::xml_document& document) {
  std::ostringstream out;
  document.save(out, "", pugi::format_raw | pugi::format_no_declaration);
  return out.str();
}

}  // namespace

DiskSpec check_disk(const plugin::Host& host, const plugin::AttachArgs& args) {
  const auto& source = args.source;
  if (source.kind != "file" && source.kind != "block" && source.kind != "iscsi") {
    throw Error(VBS_NOT_SUPPORTED, "hv_kvm opens sources of kind file, block and iscsi, not \"" + source.kind + "\"");
  }
  const auto plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  };
  if (args.serial.empty() || args.serial.size() > max_serial ||
      !std::all_of(args.serial.begin(), args.serial.end(), plain)) {
    throw Error(VBS_INVALID, "serial must be 1 to " + std::to_string(max_serial) + " letters, digits, - or _");
  }
  DiskSpec spec{.serial = args.serial,
                .vm_uuid = args.vm_uuid,
                .block = source.kind == "block",
                .iscsi = {},
                .top = {source.path, source.format},
                .backing = {},
                .read_only = args.read_only,
                .shareable = args.shared && !args.read_only};
  if (source.kind == "iscsi") {
    spec.iscsi = read_iscsi(host, source);
    spec.top.path = "iscsi:" + spec.iscsi->name;
    return spec;
  }
  check_image(spec.top, "source");
  if (!source.data.empty()) {
    for (size_t i = 0;; ++i) {
      const auto at = "/backing/" + std::to_string(i);
      auto path = host.json_get(source.data, at + "/path");
      if (!path) break;
      if (i == max_chain) {
        throw Error(VBS_INVALID, "the backing chain of " + spec.top.path + " is longer than " +
                                     std::to_string(max_chain) + " files: flatten the volume first");
      }
      spec.backing.push_back({*std::move(path), host.json_get(source.data, at + "/format").value_or("")});
      check_image(spec.backing.back(), "backing file " + std::to_string(i));
    }
  }
  if (spec.top.format == "raw" && !spec.backing.empty()) {
    throw Error(VBS_INVALID, "a raw source has no backing file, yet " + spec.backing.front().path + " is named");
  }
  if (spec.shareable && spec.top.format != "raw") {
    throw Error(VBS_NOT_SUPPORTED, "several VMs can write one " + spec.top.format +
                                       " file only by destroying it: shared rw needs format raw");
  }
  return spec;
}

std::string disk_alias(const std::string& serial) { return "ua-vbs-" + serial; }

std::string disk_xml(const DiskSpec& spec, const std::string& device, const Config& config) {
  const bool virtio = device.starts_with("vd");
  pugi::xml_document document;
  auto disk = document.append_child("disk");
  disk.append_attribute("type") = type_of(spec);
  disk.append_attribute("device") = "disk";
  auto driver = disk.append_child("driver");
  driver.append_attribute("name") = "qemu";
  driver.append_attribute("type") = spec.top.format.c_str();
  driver.append_attribute("cache") = config.cache.c_str();
  if (!spec.iscsi) driver.append_attribute("io") = config.io.c_str();  // of files: libiscsi does its own
  driver.append_attribute("discard") = config.discard.c_str();
  if (virtio && config.iothread != 0) driver.append_attribute("iothread") = config.iothread;
  write_top(disk, spec, config);
  write_chain(disk, spec.backing);
  auto block = disk.append_child("blockio");
  block.append_attribute("logical_block_size") = 512;
  block.append_attribute("physical_block_size") = config.physical_block_bytes;
  auto target = disk.append_child("target");
  target.append_attribute("dev") = device.c_str();
  target.append_attribute("bus") = virtio ? "virtio" : "scsi";
  // <readonly/> alone lets any number of readers in, and QEMU's lock keeps a writer out; <shareable/> would let one in.
  if (spec.read_only) disk.append_child("readonly");
  if (spec.shareable) disk.append_child("shareable");
  disk.append_child("serial").text() = spec.serial.c_str();
  disk.append_child("alias").append_attribute("name") = disk_alias(spec.serial).c_str();
  return text_of(document);
}

std::string switched_xml(const std::string& disk_text, const DiskSpec& spec, const Config& config) {
  pugi::xml_document document;
  document.load_string(disk_text.c_str());
  auto disk = document.child("disk");
  disk.child("driver").attribute("type") = spec.top.format.c_str();
  disk.attribute("type") = type_of(spec);
  while (disk.remove_child("source")) {
  }
  while (disk.remove_child("backingStore")) {
  }
  write_top(disk, spec, config);
  write_chain(disk, spec.backing);
  return text_of(document);
}

std::string switch_xml(const std::vector<XmlDisk>& disks, const std::string& device, const DiskSpec& spec,
                       const Config& config) {
  pugi::xml_document document;
  auto list = document.append_child("domainsnapshot").append_child("disks");
  for (const auto& d : disks) {
    auto disk = list.append_child("disk");
    disk.append_attribute("name") = d.device.c_str();
    disk.append_attribute("snapshot") = d.device == device ? "external" : "no";
    if (d.device != device) continue;
    disk.append_attribute("type") = type_of(spec);
    disk.append_child("driver").append_attribute("type") = spec.top.format.c_str();
    write_top(disk, spec, config);
  }
  return text_of(document);
}

}  // namespace vbs::kvm
