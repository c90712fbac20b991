#include "kvm.hpp"

#include <cstdlib>
#include <utility>

#include "vbs/plugin/json.hpp"

namespace vbs::kvm {
namespace {

using plugin::Error;

constexpr const char* accepts =
    R"([["file","raw","rw"],["file","raw","ro"],["file","qcow2","rw"],["file","qcow2","ro"],)"
    R"(["block","raw","rw"],["block","raw","ro"],["block","qcow2","rw"],["block","qcow2","ro"],["iscsi","raw","rw"],["iscsi","raw","ro"]])";

std::string version(unsigned long v) {  // libvirt packs major * 1000000 + minor * 1000 + release
  return std::to_string(v / 1000000) + "." + std::to_string(v / 1000 % 1000) + "." + std::to_string(v % 1000);
}

std::string taken(char* text) {
  const std::unique_ptr<char, decltype(&std::free)> owner(checked(text), std::free);
  return owner.get();
}

int32_t state_of(virDomainPtr domain) {
  int state = 0;
  checked(virDomainGetState(domain, &state, nullptr, 0));
  switch (state) {
    case VIR_DOMAIN_RUNNING:
    case VIR_DOMAIN_BLOCKED:
      return VBS_VM_RUNNING;
    case VIR_DOMAIN_PAUSED:
      return VBS_VM_PAUSED;
    case VIR_DOMAIN_SHUTOFF:
      return VBS_VM_SHUT_OFF;
    default:
      return VBS_VM_OTHER;
  }
}

plugin::Vm describe(virDomainPtr domain) {
  char uuid[VIR_UUID_STRING_BUFLEN] = {};
  checked(virDomainGetUUIDString(domain, uuid));
  return {.uuid = uuid,
          .name = checked(virDomainGetName(domain)),
          .state = state_of(domain),
          .persistent = checked(virDomainIsPersistent(domain)) == 1};
}

uint64_t size_of(virDomainPtr domain, const std::string& device) {
  virDomainBlockInfo info{};
  return virDomainGetBlockInfo(domain, device.c_str(), &info, 0) == 0 ? info.capacity : 0;
}

void merge(std::vector<plugin::Disk>& out, const DomainXml& xml, uint32_t where) {
  for (const auto& d : xml.disks) {
    plugin::Disk* known = nullptr;
    for (auto& o : out) {
      if (d.serial.empty() ? o.serial.empty() && o.device == d.device : o.serial == d.serial) known = &o;
    }
    if (known) {
      known->where |= where;
    } else {
      out.push_back({d.serial, d.device, d.path, d.read_only || d.role == "cdrom", where, 0});
    }
  }
}

}  // namespace

Kvm::Kvm(plugin::Host host, plugin::Call&, std::string_view config)
    : host_(host), config_(read_config(host_, config)), connection_(config_.uri, config_.reconnect_s) {}

plugin::HypervisorFacts Kvm::initial_facts() const {
  return {.capabilities = 0,
          .max_parallel_calls = Bounded::max_threads / 2,
          .json = R"({"accepts":)" + std::string(accepts) + R"(,"uri":)" + plugin::json_quoted(config_.uri) + "}"};
}

plugin::HypervisorFacts Kvm::facts(plugin::Call& call) {
  auto out = initial_facts();
  out.json.pop_back();
  out.json += connection_.run(call, [](Session& s) {
    return s.ask("tell its version", [c = s.connect()] {
      unsigned long libvirt = 0;
      unsigned long hypervisor = 0;
      checked(virConnectGetLibVersion(c.get(), &libvirt));
      checked(virConnectGetVersion(c.get(), &hypervisor));
      return R"(,"libvirt":")" + version(libvirt) + R"(","hypervisor":)" +
             plugin::json_quoted(checked(virConnectGetType(c.get()))) + R"(,"hypervisor_version":")" +
             version(hypervisor) + R"(","node":)" + plugin::json_quoted(taken(virConnectGetHostname(c.get()))) + "}";
    });
  });
  return out;
}

void Kvm::list_vms(plugin::Call& call) {
  const auto vms = connection_.run(call, [](Session& s) {
    return s.ask("list VMs", [c = s.connect()] {
      virDomainPtr* list = nullptr;
      const int n = checked(virConnectListAllDomains(c.get(), &list, 0));
      std::vector<DomainPtr> domains;
      for (int i = 0; i < n; ++i) domains.push_back(own(list[i]));
      std::free(list);
      std::vector<plugin::Vm> out;
      for (const auto& d : domains) {
        try {
          out.push_back(describe(d.get()));
        } catch (const LibvirtError& e) {
          if (e.code != VIR_ERR_NO_DOMAIN) throw;  // ended between the list and the question
        }
      }
      return out;
    });
  });
  for (const auto& vm : vms) add(call, vm);
}

plugin::Vm Kvm::find_vm(plugin::Call& call, std::string_view name_or_uuid) {
  const std::string key(name_or_uuid);
  return connection_.run(call, [&](Session& s) {
    const auto found = s.ask("find a VM", [c = s.connect(), key]() -> std::optional<plugin::Vm> {
      auto* domain = virDomainLookupByUUIDString(c.get(), key.c_str());
      if (!domain) domain = virDomainLookupByName(c.get(), key.c_str());
      if (!domain && virGetLastErrorCode() == VIR_ERR_NO_DOMAIN) return std::nullopt;
      return describe(own(checked(domain)).get());
    });
    if (!found) {
      throw Error(VBS_NOT_FOUND,
                  "no VM named \"" + key + "\" at " + connection_.uri() + "; virsh list --all shows what there is");
    }
    return *found;
  });
}

void Kvm::inspect(plugin::Call& call, std::string_view vm_uuid) {
  const std::string uuid(vm_uuid);
  const auto disks = connection_.run(call, [&](Session& s) {
    const auto domain = require(s, uuid);
    return read_disks(s, domain, require_view(s, domain, uuid));
  });
  for (const auto& d : disks) add(call, d);
}

DomainPtr require(Session& session, const std::string& uuid) {
  auto domain = session.find(uuid);
  if (!domain)
    throw Error(VBS_NOT_FOUND, "there is no VM with UUID " + uuid + "; virsh list --all --uuid shows what there is");
  return domain;
}

std::optional<VmView> read_view(Session& session, const DomainPtr& domain) {
  struct Xml {
    std::string name, current, definition;
  };
  try {
    const auto xml = session.ask("describe a VM", [domain] {
      Xml x{checked(virDomainGetName(domain.get())), taken(virDomainGetXMLDesc(domain.get(), 0)), ""};
      if (checked(virDomainIsPersistent(domain.get())) == 1) {
        x.definition = taken(virDomainGetXMLDesc(domain.get(), VIR_DOMAIN_XML_INACTIVE));
      }
      return x;
    });
    VmView vm{xml.name, parse_domain(xml.current), {}};
    if (!vm.live->live) vm.live.reset();
    if (!xml.definition.empty()) vm.definition = parse_domain(xml.definition);
    if (!vm.live && !vm.definition) return std::nullopt;  // was transient, ended just now
    return vm;
  } catch (const LibvirtError& e) {
    if (e.code == VIR_ERR_NO_DOMAIN) return std::nullopt;
    throw;
  }
}

VmView require_view(Session& session, const DomainPtr& domain, const std::string& uuid) {
  auto vm = read_view(session, domain);
  if (!vm) throw Error(VBS_NOT_FOUND, "the VM with UUID " + uuid + " has ended and left no definition");
  return *std::move(vm);
}

std::vector<plugin::Disk> read_disks(Session& session, const DomainPtr& domain, const VmView& vm) {
  std::vector<plugin::Disk> disks;
  if (vm.live) merge(disks, *vm.live, VBS_DISK_LIVE);
  if (vm.definition) merge(disks, *vm.definition, VBS_DISK_PERSISTENT);
  // libvirt finds a block device by the name it has in what is current: live if the VM runs, else the definition.
  const uint32_t current = vm.live ? VBS_DISK_LIVE : VBS_DISK_PERSISTENT;
  return session.ask("measure the disks of a VM", [domain, disks = std::move(disks), current]() mutable {
    for (auto& d : disks) {
      if ((d.where & current) != 0 && !d.path.empty()) d.size_bytes = size_of(domain.get(), d.device);
    }
    return disks;
  });
}

}  // namespace vbs::kvm

VBS_HYPERVISOR_PLUGIN("hv_kvm", "0.1.0", vbs::kvm::Kvm)
