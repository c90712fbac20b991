#include "leftovers.hpp"

#include <libvirt/libvirt-qemu.h>

#include <algorithm>
#include <thread>

#include "kvm.hpp"

namespace vbs::kvm {
namespace {

using plugin::Error;

constexpr int64_t poll_ms = 200;

class Monitor {
 public:
  Monitor(Session& session, const plugin::Host& host, DomainPtr domain)
      : session_(session), host_(host), domain_(std::move(domain)) {}

  // `field` of each item of the list that the command answers.
  std::vector<std::string> list(const std::string& command, const std::string& field) {
    const auto answer = session_.ask("look into QEMU", [d = domain_, command] { return send(d, command); });
    std::vector<std::string> out;
    for (size_t i = 0;; ++i) {
      auto value = host_.json_get(answer, "/return/" + std::to_string(i) + "/" + field);
      if (!value) return out;
      out.push_back(*std::move(value));
    }
  }

  bool change(const std::string& command) {  // false: QEMU refused
    const auto answer = session_.change("tidy up in QEMU", [d = domain_, command] { return send(d, command); });
    return !host_.json_get(answer, "/error/class");
  }

 private:
  static std::string send(const DomainPtr& domain, const std::string& command) {
    char* text = nullptr;
    checked(virDomainQemuMonitorCommand(domain.get(), command.c_str(), &text, 0));
    const std::string answer = text ? text : "";
    std::free(text);
    return answer;
  }
  Session& session_;
  const plugin::Host& host_;
  const DomainPtr domain_;
};

bool has_device(Monitor& monitor, const std::string& alias) {
  const auto names = monitor.list(R"({"execute":"qom-list","arguments":{"path":"/machine/peripheral"}})", "name");
  return std::find(names.begin(), names.end(), alias) != names.end();
}

// True if it was there, and is gone.
bool remove_device(Session& s, Monitor& monitor, const std::string& alias, const std::string& vm, unsigned patience_s) {
  if (!has_device(monitor, alias)) return false;
  const auto start_ms = s.call().remaining_ms();
  monitor.change(R"({"execute":"device_del","arguments":{"id":")" + alias + R"("}})");
  while (has_device(monitor, alias)) {
    if (start_ms - s.call().remaining_ms() >= int64_t{patience_s} * 1000 || s.call().remaining_ms() <= poll_ms) {
      throw Error(VBS_UNKNOWN, "the QEMU of VM " + vm + " has disk " + alias +
                                   ", which libvirtd lost when it ended in the middle of an attach, and the guest does "
                                   "not let go: resume it if it is paused, or destroy and start the VM");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(poll_ms));
  }
  return true;
}

// QEMU refuses to close what something uses; so order does not matter, as long as somebody tries again.
size_t close_images(Monitor& monitor, const std::set<std::string>& known) {
  const auto all = monitor.list(R"({"execute":"query-named-block-nodes","arguments":{"flat":true}})", "node-name");
  std::vector<std::string> left;
  std::copy_if(all.begin(), all.end(), std::back_inserter(left),
               [&](const auto& node) { return is_leftover_node(node, known); });
  const auto found = left.size();
  for (size_t before = found + 1; left.size() < before;) {
    before = left.size();
    std::erase_if(left, [&](const auto& node) {
      return monitor.change(R"({"execute":"blockdev-del","arguments":{"node-name":")" + node + R"("}})");
    });
  }
  return found - left.size();
}

}  // namespace

void clear_leftovers(Session& s, const plugin::Host& host, const DomainPtr& domain, const std::string& serial,
                     unsigned patience_s) {
  const auto look = [&] {
    auto vm = read_view(s, domain);
    return vm && vm->live && !vm->live->by_serial(serial) ? std::move(vm) : std::nullopt;
  };
  if (!look()) return;
  Monitor monitor(s, host, domain);
  const auto alias = disk_alias(serial);
  try {
    has_device(monitor, alias);  // waits for whatever libvirt does with this VM just now
    const auto vm = look();
    if (!vm) return;
    const bool removed = remove_device(s, monitor, alias, vm->name, patience_s);
    const auto closed = close_images(monitor, vm->live->images);
    if (removed || closed > 0) {
      s.call().log(VBS_LOG_WARNING, "VM " + vm->name +
                                        ": took out what a libvirtd that ended in the middle of an attach "
                                        "had left of " +
                                        serial + (removed ? ": the disk, " : ": ") + std::to_string(closed) +
                                        " images");
    }
  } catch (const LibvirtError& e) {
    if (e.code == VIR_ERR_NO_DOMAIN || e.code == VIR_ERR_OPERATION_INVALID) return;  // the VM has ended
    throw Error(VBS_UNKNOWN, "whether QEMU still has " + serial + " cannot be asked: " + e.message);
  }
}

}  // namespace vbs::kvm
