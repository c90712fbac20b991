#include "adapters/vbs/routes.hpp"
#include "adapters/vbs/views.hpp"
#include "core/base/log.hpp"

namespace vbs::native {
namespace {
// virtio: vda..., scsi: sda..., Xen: xvda...; the hypervisor decides whether it is free.
void check_device(const std::string& device) {
  if (device.empty()) return;
  const auto letters = device.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos;
  if (!letters || device.size() < 3 || device.size() > 6)
    throw Error(Code::invalid, "'device' must be 3 to 6 lower-case letters, such as vdb, sdc or xvdb; or leave it out",
                "device");
}

NewAttachment new_attachment(const http::Request& r) {
  const auto document = body_of(r);
  ObjectReader reader(document);
  NewAttachment a;
  a.host = reader.required_string("host", 255);
  a.vm = reader.required_string("vm", 255);
  a.device = reader.optional_string("device", 32).value_or("");
  check_device(a.device);
  const auto mode = reader.optional_string("mode", 255).value_or("rw");
  if (mode != "ro" && mode != "rw") throw Error(Code::invalid, "'mode' must be ro or rw", "mode");
  a.mode = mode == "ro" ? Mode::ro : Mode::rw;
  reader.finish();
  return a;
}

DetachWanted detach_wanted(const http::Request& r) {
  const auto document = body_of(r);
  ObjectReader reader(document);
  DetachWanted d;
  d.host = reader.optional_string("host", 255).value_or("");
  d.vm = reader.optional_string("vm", 255).value_or("");
  d.all = reader.optional_bool("all").value_or(false);
  d.force = reader.optional_bool("force").value_or(false);
  reader.finish();
  if (d.all && !(d.host.empty() && d.vm.empty()))
    throw Error(Code::invalid, "'all' and 'host' or 'vm' exclude each other", "all");
  return d;
}
MoveWanted move_wanted(const http::Request& r) {
  const auto document = body_of(r);
  ObjectReader reader(document);
  MoveWanted m;
  m.from = reader.required_string("from", 255);
  m.to = reader.required_string("to", 255);
  m.vm = reader.optional_string("vm", 255).value_or("");
  reader.finish();
  return m;
}
}  // namespace

void add_attachment_routes(const Context& c) {
  auto& core = c.core;
  c.route("POST", "/v1/volumes/{id}/attach",
          [c, &core](const Caller& caller, const http::Request& r, http::Reply reply) {
            const auto admitted = attach_volume(core, caller, r.params.at("id"), new_attachment(r));
            // Taken now: an attach that fails leaves no record, and its answer must still say which one it was.
            const auto first = show_attachment_or_none(core, admitted.object_id);
            answer_when_ended(c, r, {admitted}, std::move(reply), [&core, admitted, first](const Operations& rows) {
              const auto now = show_attachment_or_none(core, admitted.object_id);
              return object(202, [&](JsonWriter& w) {
                if (now || first) {
                  key(w, "attachment");
                  write(w, core, now ? *now : *first);
                }
                key(w, "operation");
                write(w, core, rows.front());
              });
            });
          });
  c.route("POST", "/v1/volumes/{id}/detach",
          [c, &core](const Caller& caller, const http::Request& r, http::Reply reply) {
            const auto admitted = detach_volume(core, caller, r.params.at("id"), detach_wanted(r));
            answer_when_ended(c, r, admitted, std::move(reply), [&core](const Operations& rows) {
              return object(202, [&](JsonWriter& w) {
                key(w, "operations");
                w.StartArray();
                for (const auto& o : rows) write(w, core, o);
                w.EndArray();
              });
            });
          });
  c.route("POST", "/v1/volumes/{id}/attachments/move",
          [c, &core](const Caller& caller, const http::Request& r, http::Reply reply) {
            const auto admitted = move_attachment(core, caller, r.params.at("id"), move_wanted(r));
            answer_when_ended(c, r, {admitted}, std::move(reply),
                              [&core](const Operations& rows) { return operation_only(core, 202, rows.front()); });
          });
  c.route("GET", "/v1/attachments",
          [&core](const Caller& caller, const http::Request& r, http::Reply reply) {
            const auto rows = list_attachments(core, caller, text_query(r, "volume_id", 36), text_query(r, "host"),
                                               text_query(r, "vm"), flag_query(r, "all_projects"));
            reply(object(200, [&](JsonWriter& w) {
              key(w, "attachments");
              w.StartArray();
              for (const auto& a : rows) write(w, core, a);
              w.EndArray();
            }));
          },
          {"volume_id", "host", "vm", "all_projects"});
}
}  // namespace vbs::native
