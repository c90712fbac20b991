// The kernel's initiator, driven by open-iscsi: for hypervisors that need a block device. One session a portal and
// volume, shared by every VM of this node that has the volume; sessions that no connection of ours names are left
// alone.
//
//   connect      node record with CHAP -> login -> wait for the device -> serial = volume id? -> link to it
//   disconnect   link away -> multipath map away -> logout by target name -> record away -> nothing is left?
//
// The serial is read before anybody gets the device: a LUN that belongs to another volume by now is not handed over
// (CVE-2023-2088). Each call begins by looking at what is there, so it may be repeated wherever it broke off.
#include <chrono>
#include <filesystem>
#include <thread>

#include "connection.hpp"
#include "sessions.hpp"
#include "vbs/plugin/connector.hpp"

namespace vbs::iscsi {
namespace {
namespace fs = std::filesystem;
using plugin::Call;
using plugin::ConnectionArgs;
using plugin::Error;

constexpr std::chrono::milliseconds poll{50};
constexpr int auth_failed = 24;  // ISCSI_ERR_LOGIN_AUTH_FAILED of iscsiadm

class Iscsi final : public plugin::ConnectorInstance {
 public:
  Iscsi(plugin::Host host, Call&, std::string_view config)
      : host_(host),
        links_(setting(config, "links")),
        initiator_file_(setting(config, "initiator_file")),
        sysfs_(setting(config, "sysfs")),
        multipath_wait_(std::stoi(setting(config, "multipath_wait_s"))) {}

  plugin::ConnectorFacts initial_facts() const override { return {}; }

  plugin::NodeSource connect(Call& call, const ConnectionArgs& c, std::string_view serial) override {
    const auto target = read_target(host_, c);
    const auto own = own_initiator(initiator_file_);
    if (own != c.initiator)
      throw Error(VBS_INVALID, "this node's initiator name is '" + own + "' (" + initiator_file_ +
                                   "), the host's in VBS '" + c.initiator + "': make them one");
    log_in_everywhere(call, target, c.secret);
    const auto devices = wait_for_devices(call, target);
    for (const auto& device : devices) check_serial(call, target, device, serial);
    const auto path = fs::path(links_) / target.link();
    link(path, node_of(call, target, devices));
    return {"block", c.format, path.string(), "{}", ""};
  }

  void disconnect(Call& call, const ConnectionArgs& c) override {
    const auto target = read_target(host_, c);
    fs::remove(fs::path(links_) / target.link());
    const auto sessions = look(target);
    for (const auto& s : sessions)
      if (const auto map = s.device.empty() ? "" : map_of(sysfs_, s.device); !map.empty()) {
        host_.run(call, "multipath_flush", {{"map", map}});
        break;
      }
    if (!sessions.empty()) host_.run(call, "logout", {{"iqn", target.iqn}});
    host_.run(call, "forget", {{"iqn", target.iqn}});
    if (const auto left = look(target); !left.empty())
      throw Error(VBS_BUSY, std::to_string(left.size()) + " sessions of " + target.iqn +
                                " are still there after logout (" + left.front().name +
                                "): 'iscsiadm -m session -P 3' shows who uses their device");
  }

  bool connected(Call&, const ConnectionArgs& c) override { return !look(read_target(host_, c)).empty(); }

  void rescan(Call& call, const ConnectionArgs& c, uint64_t size_bytes) override {
    const auto target = read_target(host_, c);
    host_.run(call, "rescan", {{"iqn", target.iqn}});
    std::string map;
    for (const auto& s : look(target)) {
      if (s.device.empty()) continue;
      while (size_of(sysfs_, s.device) < size_bytes) pause(call, s.device + " does not show the new size");
      if (map.empty()) map = map_of(sysfs_, s.device);
    }
    if (!map.empty()) host_.run(call, "multipath_resize", {{"map", map}});
  }

 private:
  std::string setting(std::string_view config, const char* key) const {
    return host_.json_get(config, "/" + std::string(key)).value_or("");
  }
  std::vector<Session> look(const Target& target) const { return sessions_of(sysfs_, target.iqn, target.lun); }

  static void pause(Call& call, const std::string& why) {
    if (call.cancelled()) throw Error(VBS_CANCELLED, "cancelled on request");
    if (call.remaining_ms() < 1000) throw Error(VBS_UNAVAILABLE, why + " in the time allowed for this call");
    std::this_thread::sleep_for(poll);
  }

  // One portal that answers is enough; the others' reasons are logged.
  void log_in_everywhere(Call& call, const Target& target, const std::string& secret) {
    std::string reasons;
    size_t in = 0;
    for (const auto& portal : target.portals) {
      const auto set = [&](const char* name, const std::string& value) {
        host_.run(call, "set", {{"iqn", target.iqn}, {"portal", portal}, {"name", name}, {"value", value}});
      };
      host_.run(call, "new", {{"iqn", target.iqn}, {"portal", portal}});
      set("node.startup", "manual");
      set("node.session.auth.authmethod", "CHAP");
      set("node.session.auth.username", target.user);
      host_.run(call, "set_password", {{"iqn", target.iqn}, {"portal", portal}, {"password", secret}});
      plugin::CommandResult result;
      const auto status = host_.try_run(call, "login", {{"iqn", target.iqn}, {"portal", portal}}, result);
      if (status == VBS_OK) {
        ++in;
        continue;
      }
      if (status == VBS_INTERNAL && result.exit_status == auth_failed)
        throw Error(VBS_DENIED, target.iqn + " at " + portal + " refuses this node's login: its secret is another one");
      if (status != VBS_INTERNAL) throw Error(status, "iscsiadm could not log in to " + target.iqn);
      reasons += (reasons.empty() ? "" : "; ") + portal + ": " + last_line(result.err);
    }
    if (in == 0)
      throw Error(VBS_UNAVAILABLE, "cannot log in to " + target.iqn + " (" + reasons +
                                       "); is the target up, and does it know this node's initiator?");
    if (!reasons.empty()) call.log(VBS_LOG_WARNING, target.iqn + " has fewer paths than portals: " + reasons);
  }

  static std::string last_line(const std::string& text) {
    const auto end = text.find_last_not_of('\n');
    if (end == std::string::npos) return "no reason given";
    const auto start = text.rfind('\n', end);
    return text.substr(start == std::string::npos ? 0 : start + 1, end - (start == std::string::npos ? -1 : start));
  }

  std::vector<std::string> wait_for_devices(Call& call, const Target& target) const {
    for (;; pause(call, target.iqn + ": LUN " + std::to_string(target.lun) + " did not appear")) {
      std::vector<std::string> devices;
      bool whole = true;
      for (const auto& s : look(target)) {
        if (!s.logged_in) continue;
        whole = whole && !s.device.empty();
        devices.push_back(s.device);
      }
      if (whole && !devices.empty()) return devices;
    }
  }

  void check_serial(Call& call, const Target& target, const std::string& device, std::string_view serial) const {
    auto found = serial_of(sysfs_, device);
    for (; !found; found = serial_of(sysfs_, device)) pause(call, device + " does not tell its serial number");
    if (*found != serial)
      throw Error(VBS_INTERNAL, "LUN " + std::to_string(target.lun) + " of " + target.iqn + " (" + device +
                                    ") is volume '" + found->substr(0, 64) + "', not " + std::string(serial) +
                                    ": it is given to no VM; 'vbs reconcile' shows what is exported");
  }

  // /dev/sdX, or the map that joins the paths.
  std::string node_of(Call& call, const Target& target, const std::vector<std::string>& devices) const {
    if (target.portals.size() > 1) {
      const auto until = call.remaining_ms() - int64_t{1000} * multipath_wait_;
      for (;;) {
        if (const auto map = map_of(sysfs_, devices.front()); !map.empty()) return "/dev/mapper/" + map;
        if (call.remaining_ms() <= until) break;
        pause(call, "multipathd did not join the paths of " + target.iqn);
      }
      call.log(VBS_LOG_WARNING, target.iqn + " has " + std::to_string(target.portals.size()) +
                                    " portals, but no multipath device appeared: is multipathd running, and does "
                                    "multipath.conf(5) find_multipaths let it? One path alone is used");
    }
    return "/dev/" + devices.front();
  }

  // Another login may have given the device another name: the link is made anew beside the old one and put in its
  // place.
  void link(const fs::path& path, const std::string& device) const {
    fs::create_directories(links_);
    const auto fresh = path.string() + ".new";
    fs::remove(fresh);
    fs::create_symlink(device, fresh);
    fs::rename(fresh, path);
  }

  const plugin::Host host_;
  const std::string links_, initiator_file_, sysfs_;
  const int multipath_wait_;
};
}  // namespace
}  // namespace vbs::iscsi

VBS_CONNECTOR_PLUGIN("connector_iscsi", "0.1.0", vbs::iscsi::Iscsi)
