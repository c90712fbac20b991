// "iscsi", where the hypervisor logs in itself. This side only looks: it logs in once with the same initiator name and
// secret, reads the unit's serial number (SPC-4, 7.8.15, VPD page 80h) and logs out. A LUN that was given to another
// volume in the meantime is thereby noticed before a VM gets it (CVE-2023-2088).
#include <fmt/format.h>
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include <algorithm>
#include <memory>

#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/base/log.hpp"
#include "core/connectors/connector.hpp"

namespace vbs {
namespace {
constexpr int kLoginSeconds = 10;  // a portal each
constexpr size_t kMaxName = 223;   // RFC 7143, 4.2.7.1
constexpr size_t kMaxPortals = 16;

struct Target {
  std::string iqn, user;
  std::vector<std::string> portals;
  int lun = 0;
};

Target read_target(const std::string& json) {
  const auto data = parse_json(json);
  ObjectReader reader(data, "connection");
  Target t;
  t.iqn = reader.required_string("iqn", kMaxName);
  t.user = reader.required_string("user", 255);
  t.lun = static_cast<int>(reader.required_u64("lun", 0, 16383));
  const auto* portals = reader.optional_array("portals");
  if (!portals || portals->Empty() || portals->Size() > kMaxPortals)
    throw Error(Code::invalid, fmt::format("iscsi connection: 'portals' must name 1 to {} portals", kMaxPortals));
  for (const auto& portal : portals->GetArray()) {
    if (!portal.IsString()) throw Error(Code::invalid, "iscsi connection: 'portals' must be strings, ADDRESS:PORT");
    t.portals.emplace_back(portal.GetString(), portal.GetStringLength());
  }
  return t;
}

class LogIn {
 public:
  // Throws Error(unavailable) with libiscsi's words.
  LogIn(const Call& call, const Target& target, const Connection& c, const std::string& portal)
      : context_(iscsi_create_context(c.initiator.c_str()), iscsi_destroy_context), lun_(target.lun) {
    if (!context_) throw Error(Code::internal, fmt::format("'{}' is no initiator name", for_log(c.initiator, 64)));
    iscsi_set_noautoreconnect(context_.get(), 1);
    iscsi_set_session_type(context_.get(), ISCSI_SESSION_NORMAL);
    iscsi_set_header_digest(context_.get(), ISCSI_HEADER_DIGEST_NONE_CRC32C);
    const auto left =
        std::chrono::duration_cast<std::chrono::seconds>(call.deadline - std::chrono::steady_clock::now());
    iscsi_set_timeout(context_.get(), static_cast<int>(std::clamp<int64_t>(left.count(), 1, kLoginSeconds)));
    if (iscsi_set_targetname(context_.get(), target.iqn.c_str()) != 0 ||
        (!c.secret.empty() &&
         iscsi_set_initiator_username_pwd(context_.get(), target.user.c_str(), c.secret.c_str()) != 0) ||
        iscsi_full_connect_sync(context_.get(), portal.c_str(), lun_) != 0)
      fail();
  }
  ~LogIn() { iscsi_logout_sync(context_.get()); }

  std::string serial() {
    const std::unique_ptr<scsi_task, decltype(&scsi_free_scsi_task)> task(
        iscsi_inquiry_sync(context_.get(), lun_, 1, SCSI_INQUIRY_PAGECODE_UNIT_SERIAL_NUMBER, 255),
        scsi_free_scsi_task);
    if (!task || task->status != SCSI_STATUS_GOOD) fail();
    const auto* page = static_cast<scsi_inquiry_unit_serial_number*>(scsi_datain_unmarshall(task.get()));
    if (!page || !page->usn) throw Error(Code::unavailable, "the unit does not tell its serial number");
    std::string serial = page->usn;
    serial.erase(0, serial.find_first_not_of(' '));
    serial.erase(serial.find_last_not_of(' ') + 1);
    return serial;
  }

 private:
  [[noreturn]] void fail() const { throw Error(Code::unavailable, for_log(iscsi_get_error(context_.get()), 200)); }
  const std::unique_ptr<iscsi_context, decltype(&iscsi_destroy_context)> context_;
  const int lun_;
};

class HypervisorsInitiator final : public Connector {
 public:
  Source connect(const Call& call, const Connection& connection, const std::string& serial) override {
    const auto target = read_target(connection.data);
    if (connection.initiator.empty())
      throw Error(Code::invalid, "the host has no initiator name: set hosts[].initiator in the configuration");
    const auto portal = check(call, target, connection, serial);
    return {"iscsi", connection.format, "", source_data(target, connection, portal), connection.secret};
  }
  // The session is the hypervisor's, and ended with its disk.
  void disconnect(const Call&, const Connection&) override {}
  bool connected(const Call&, const Connection&) override { return true; }
  void rescan(const Call&, const Connection&, uint64_t) override {}

 private:
  // The first portal that answers. One that is down is no reason to fail while another is up.
  static std::string check(const Call& call, const Target& target, const Connection& c, const std::string& serial) {
    std::string reasons;
    for (const auto& portal : target.portals) try {
        const auto found = LogIn(call, target, c, portal).serial();
        if (found != serial)
          throw Error(Code::internal,
                      fmt::format("LUN {} of {} at {} is volume '{}', not {}: it is given to no VM; 'vbs reconcile' "
                                  "shows what is exported",
                                  target.lun, target.iqn, portal, for_log(found, 64), serial));
        return portal;
      } catch (const Error& e) {
        if (e.code() != Code::unavailable) throw;
        reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", portal, e.what());
      }
    throw Error(Code::unavailable, fmt::format("cannot log in to {} ({}); is the target up, and does it know the "
                                               "initiator {}?",
                                               target.iqn, reasons, c.initiator));
  }

  static std::string source_data(const Target& target, const Connection& c, const std::string& portal) {
    JsonBuffer buffer;
    JsonWriter w(buffer);
    w.StartObject();
    key(w, "iqn");
    put(w, target.iqn);
    key(w, "portals");
    w.StartArray();
    put(w, portal);
    for (const auto& other : target.portals)
      if (other != portal) put(w, other);
    w.EndArray();
    key(w, "lun");
    w.Int(target.lun);
    key(w, "user");
    put(w, target.user);
    key(w, "initiator");
    put(w, c.initiator);
    w.EndObject();
    return {buffer.GetString(), buffer.GetSize()};
  }
};
}  // namespace

std::unique_ptr<Connector> make_iscsi_connector() { return std::make_unique<HypervisorsInitiator>(); }
}  // namespace vbs
