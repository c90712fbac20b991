// stream: QEMU moves what a disk reads from the files under its own into its own file, by a block job, while the guest
// goes on. The job belongs to QEMU and outlives whoever began it; what the disk has now, and whether a job runs on it,
// decides what is left to do, so a call may be repeated wherever it broke off.
#include <libvirt/libvirt-qemu.h>

#include <cstdlib>
#include <thread>

#include "explain.hpp"
#include "kvm.hpp"

namespace vbs::kvm {
namespace {

using plugin::Error;
constexpr std::chrono::milliseconds kPoll{200};
// libvirt gives up a job before its description of the disk is written anew.
constexpr int kLooksAfterJob = 25;

struct Job {
  bool runs = false, is_other = false;
  uint64_t done = 0, total = 0;
};

Job job_of(Session& s, const DomainPtr& domain, const std::string& device) {
  return s.ask("tell about a block job", [domain, device] {
    virDomainBlockJobInfo info{};
    const bool runs = checked(virDomainGetBlockJobInfo(domain.get(), device.c_str(), &info, 0)) == 1;
    // Somebody's copy, for one, is not ours to join or to end.
    const bool is_other = runs && info.type != VIR_DOMAIN_BLOCK_JOB_TYPE_PULL;
    return Job{runs && !is_other, is_other, info.cur, info.end};
  });
}

void stop_job(Session& s, const DomainPtr& domain, const VmView& vm, const std::string& device) {
  try {
    s.change("end a block job",
             [domain, device] { return checked(virDomainBlockJobAbort(domain.get(), device.c_str(), 0)); });
  } catch (const LibvirtError& e) {
    // It has ended by itself, or with its VM.
    if (e.code != VIR_ERR_OPERATION_INVALID && e.code != VIR_ERR_NO_DOMAIN && job_of(s, domain, device).runs)
      explain_change(e, "end the block job on", vm.name, device);
  }
}

void start_job(Session& s, const DomainPtr& domain, const VmView& vm, const std::string& device,
               const std::string& base) {
  try {
    s.change("start a block job", [domain, device, base] {
      return checked(virDomainBlockRebase(domain.get(), device.c_str(), base.empty() ? nullptr : base.c_str(), 0, 0));
    });
  } catch (const LibvirtError& e) {
    explain_change(e, "flatten", vm.name, device);
  }
}

// QEMU ends a stream without a flush: where the moved data lies is in memory only, until the guest flushes. No call of
// libvirt has QEMU flush a disk, so its monitor is asked. Best effort: the storage plugin looks at what is on disk.
void flush(Session& s, plugin::Call& call, const DomainPtr& domain, const XmlDisk& disk) {
  const auto device = disk.bus == "virtio" ? "/machine/peripheral/" + disk.alias + "/virtio-backend" : disk.alias;
  try {
    const auto said = s.change("flush a disk", [domain, command = "qemu-io -d " + device + " flush"] {
      char* text = nullptr;
      checked(virDomainQemuMonitorCommand(domain.get(), command.c_str(), &text, VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP));
      const std::unique_ptr<char, decltype(&std::free)> owner(text, std::free);
      return std::string(text ? text : "");
    });
    if (!said.empty()) call.log(VBS_LOG_WARNING, "QEMU did not flush " + disk.device + ": " + said);
  } catch (const LibvirtError& e) {
    call.log(VBS_LOG_WARNING, "QEMU was not asked to flush " + disk.device + ": " + e.message);
  }
}

bool stands_on(const XmlDisk& disk, const std::string& base) {
  return disk.backing.empty() ? base.empty() : disk.backing.front() == base;
}

// libvirt takes the end of a job into the definition, unless that named another chain before.
void correct_definition(Session& s, const DomainPtr& domain, const VmView& vm, const XmlDisk& live,
                        const Config& config) {
  const auto* defined = vm.definition ? vm.definition->by_serial(live.serial) : nullptr;
  if (!defined || defined->path != live.path || defined->backing == live.backing) return;
  DiskSpec spec;
  spec.serial = live.serial;
  spec.top = {live.path, live.format};
  try {
    s.change("write a disk's chain into a definition", [domain, xml = switched_xml(defined->xml, spec, config)] {
      return checked(virDomainUpdateDeviceFlags(domain.get(), xml.c_str(), VIR_DOMAIN_AFFECT_CONFIG));
    });
  } catch (const LibvirtError& e) {
    explain_change(e, "flatten", vm.name, live.device + " of the definition");
  }
}

}  // namespace

void Kvm::stream(plugin::Call& call, std::string_view vm_uuid, std::string_view serial, std::string_view base_path) {
  const std::string uuid(vm_uuid), id(serial), base(base_path);
  bool began = false;
  int looks = 0;
  connection_.run(call, [&](Session& s) {
    for (;;) {
      const auto domain = require(s, uuid);
      const auto vm = require_view(s, domain, uuid);
      if (!vm.disk(id)) throw Error(VBS_NOT_FOUND, "VM " + vm.name + " has no disk with serial " + id);
      const auto* disk = vm.live ? vm.live->by_serial(id) : nullptr;
      if (!disk)
        throw Error(VBS_BUSY, "VM " + vm.name + " does not run, so nobody can move the data of " + id +
                                  ": start it, or detach the volume");
      const auto job = job_of(s, domain, disk->device);
      if (call.cancelled()) {
        if (job.runs) stop_job(s, domain, vm, disk->device);
        throw Error(VBS_CANCELLED, "cancelled on request");
      }
      if (job.is_other)
        throw Error(VBS_BUSY, "another block job runs on " + disk->device + " of VM " + vm.name +
                                  ": wait for its end; virsh blockjob shows it");
      if (job.runs) {
        began = true;
        looks = 0;
        call.progress(job.done, job.total);
      } else if (stands_on(*disk, base)) {
        flush(s, call, domain, *disk);
        if (base.empty()) correct_definition(s, domain, vm, *disk, config_);
        return;
      } else if (!began) {
        start_job(s, domain, vm, disk->device, base);
        call.log(VBS_LOG_INFO, "VM " + vm.name + " moves all data of " + disk->device + " into " + disk->path);
        began = true;
        continue;
      } else if (++looks > kLooksAfterJob) {
        throw Error(VBS_INTERNAL, "the block job on " + disk->device + " of VM " + vm.name + " ended before its end: " +
                                      "is there room for all data of the volume? The VM's log in "
                                      "/var/log/libvirt/qemu has QEMU's reason");
      }
      std::this_thread::sleep_for(kPoll);
    }
  });
}

void Kvm::stream_stop(plugin::Call& call, std::string_view vm_uuid, std::string_view serial) {
  const std::string uuid(vm_uuid), id(serial);
  connection_.run(call, [&](Session& s) {
    const auto domain = s.find(uuid);
    const auto vm = domain ? read_view(s, domain) : std::nullopt;
    const auto* disk = vm && vm->live ? vm->live->by_serial(id) : nullptr;
    if (disk && job_of(s, domain, disk->device).runs) stop_job(s, domain, *vm, disk->device);
  });
}

}  // namespace vbs::kvm
