// Attach against the bare libvirt call: how much longer, and how many commits.
#include <fmt/format.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <fstream>
#include <memory>
#include <stdexcept>
#include <thread>

#include "bench/api.hpp"
#include "bench/report.hpp"
#include "bench/settings.hpp"
#include "bench/statistics.hpp"
#include "bench/syncs.hpp"

namespace vbs::bench {
namespace {
constexpr uint64_t kMiB = 1u << 20;
constexpr unsigned kTimes = 15;

struct Free {
  void operator()(virConnectPtr p) const { virConnectClose(p); }
  void operator()(virDomainPtr p) const { virDomainFree(p); }
};

class BareLibvirt {
 public:
  BareLibvirt(const std::string& uri, const std::string& vm) : connection_(virConnectOpen(uri.c_str())) {
    if (connection_) domain_.reset(virDomainLookupByName(connection_.get(), vm.c_str()));
    if (!domain_) fail("look-up of " + vm);
  }
  void attach(const std::string& xml) {
    if (virDomainAttachDeviceFlags(domain_.get(), xml.c_str(), kBoth) != 0) fail("attach");
  }
  // As the service: asked, and then waited for until the disk has left the guest.
  void detach(const std::string& xml, const std::string& serial) {
    if (virDomainDetachDeviceFlags(domain_.get(), xml.c_str(), kBoth) != 0) fail("detach");
    while (has(serial)) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }

 private:
  static constexpr unsigned kBoth = VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG;
  bool has(const std::string& serial) {
    const std::unique_ptr<char, decltype(&std::free)> xml(virDomainGetXMLDesc(domain_.get(), 0), &std::free);
    if (!xml) fail("description");
    return std::string_view(xml.get()).find(serial) != std::string_view::npos;
  }
  [[noreturn]] static void fail(const std::string& what) {
    const auto* e = virGetLastError();
    throw std::runtime_error(fmt::format("libvirt, {}: {}", what, e && e->message ? e->message : "no reason"));
  }
  std::unique_ptr<virConnect, Free> connection_;
  std::unique_ptr<virDomain, Free> domain_;
};

std::string disk_xml(const std::string& file, const std::string& serial) {
  return fmt::format(
      "<disk type='file' device='disk'><driver name='qemu' type='raw' cache='none'/><source file='{}'/>"
      "<target dev='vdx' bus='virtio'/><serial>{}</serial></disk>",
      file, serial);
}
}  // namespace

void measure_attach(const Settings& s, Report& report) {
  Api api(s.server);
  BareLibvirt bare(s.libvirt, s.vm);
  const auto volume = api.create_volume("ext4", 64 * kMiB);
  const std::string serial = "bare-libvirt-call", file = s.ext4_dir + "/../bare.raw", xml = disk_xml(file, serial);
  std::ofstream(file).close();
  if (::truncate(file.c_str(), 64 * kMiB) != 0) throw std::runtime_error("cannot make " + file);

  std::vector<double> attach, detach, bare_attach, bare_detach;
  for (unsigned i = 0; i < kTimes; ++i) {
    bare_attach.push_back(timed([&] { bare.attach(xml); }));
    bare_detach.push_back(timed([&] { bare.detach(xml, serial); }));
    attach.push_back(timed([&] { api.attach(volume, s.host, s.vm); }));
    detach.push_back(timed([&] { api.detach(volume, s.host, s.vm); }));
  }
  const std::string group = "attach to a running VM (libvirt, QEMU)";
  const auto note = fmt::format("median of {}", kTimes);
  report.add({group, "attach", "ms", median(attach), note, std::nullopt});
  report.add({group, "the bare libvirt call", "ms", median(bare_attach), note, std::nullopt});
  report.add({group, "detach, until the disk has left the guest", "ms", median(detach), note, std::nullopt});
  report.add({group, "the bare libvirt call and the same wait", "ms", median(bare_detach), note, std::nullopt});

  constexpr unsigned kCounted = 5;
  SyncCount attaching, detaching;
  for (unsigned i = 0; i < kCounted; ++i) {
    for (const auto& [target, n] : count_syncs(s, [&] { api.attach(volume, s.host, s.vm); })) attaching[target] += n;
    for (const auto& [target, n] : count_syncs(s, [&] { api.detach(volume, s.host, s.vm); })) detaching[target] += n;
  }
  report.add({group, "commits of one attach", "commits", attaching["commit"] / double{kCounted}, "strace",
              Goal{Goal::Bound::at_most, 3}});
  report.add(
      {group, "commits of one detach", "commits", detaching["commit"] / double{kCounted}, "strace", std::nullopt});
  api.delete_volume(volume);
  std::remove(file.c_str());
}

}  // namespace vbs::bench
