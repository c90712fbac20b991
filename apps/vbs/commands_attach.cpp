#include <fmt/format.h>

#include "apps/vbs/change.hpp"
#include "apps/vbs/commands.hpp"
#include "apps/vbs/description.hpp"
#include "apps/vbs/json_fields.hpp"
#include "apps/vbs/resolve.hpp"
#include "apps/vbs/views.hpp"

namespace vbs::cli {
namespace {

struct AttachOptions {
  std::string volume, host, vm, device, mode = "rw";
};

// The attachment as the volume shows it now: the device is known only at the end.
rapidjson::Document attachment_now(Context& context, const std::string& volume_id, const std::string& id) {
  const auto answer = context.session().get(Target("/v1/volumes").segment(volume_id));
  rapidjson::Document out(rapidjson::kObjectType);
  const auto& attachments = member(member(answer, "volume"), "attachments");
  if (!attachments.IsArray()) return out;
  for (const auto& a : attachments.GetArray())
    if (text(a, "id") == id) out.AddMember("attachment", rapidjson::Value(a, out.GetAllocator()), out.GetAllocator());
  return out;
}

void attach(Context& context, const AttachOptions& options) {
  const std::string volume = resolve_volume(context.session(), options.volume);
  const auto body =
      json_object({{"host", options.host}, {"vm", options.vm}, {"device", options.device}, {"mode", options.mode}});
  auto answer = context.session().post(Target("/v1/volumes").segment(volume).segment("attach"), body, !context.no_wait);
  const std::string id = text(member(answer, "attachment"), "id");
  finish_change(context, std::move(answer),
                {.look_again = [&context, volume, id] { return attachment_now(context, volume, id); },
                 .sentence =
                     [volume](const rapidjson::Value& a) {
                       const auto& x = member(a, "attachment");
                       return fmt::format("attached volume {} to {}/{} as {} ({})", volume, text(x, "host"),
                                          text(x, "vm"), text(x, "device"), text(x, "mode"));
                     }});
}

struct DetachOptions {
  std::string volume, host, vm;
  bool all = false, force = false;
};

void detach(Context& context, const DetachOptions& options) {
  if (!options.host.empty() && options.vm.empty())
    throw Failure(Exit::usage, "VM is missing: a host is given", "vbs detach-volume VOLUME HOST VM, or --all");
  const std::string volume = resolve_volume(context.session(), options.volume);
  JsonBuffer buffer;
  JsonWriter writer(buffer);
  writer.StartObject();
  if (!options.host.empty()) key(writer, "host"), put(writer, options.host);
  if (!options.vm.empty()) key(writer, "vm"), put(writer, options.vm);
  if (options.all) key(writer, "all"), writer.Bool(true);
  if (options.force) key(writer, "force"), writer.Bool(true);
  writer.EndObject();
  auto answer = context.session().post(Target("/v1/volumes").segment(volume).segment("detach"),
                                       {buffer.GetString(), buffer.GetSize()}, !context.no_wait);
  const size_t count = member(answer, "operations").IsArray() ? member(answer, "operations").Size() : 1;
  finish_change(context, std::move(answer), {.look_again = {}, .sentence = [=](const rapidjson::Value&) {
                                               return fmt::format("detached volume {} from {} VM{}", volume, count,
                                                                  count == 1 ? "" : "s");
                                             }});
}

struct ListOptions {
  std::string volume, host, vm;
  bool all_projects = false;
};

void list(Context& context, const ListOptions& options) {
  Target target("/v1/attachments");
  if (!options.volume.empty()) target.query("volume_id", resolve_volume(context.session(), options.volume));
  target.query("host", options.host).query("vm", options.vm);
  if (options.all_projects) target.query("all_projects", "true");
  const auto answer = context.session().list(target, "attachments");
  context.json ? print_json(context.console.out, answer)
               : print_attachments(context.console.out, answer["attachments"]);
}

struct MoveOptions {
  std::string volume, from, to, vm;
};

void move(Context& context, const MoveOptions& options) {
  const std::string volume = resolve_volume(context.session(), options.volume);
  JsonBuffer buffer;
  JsonWriter writer(buffer);
  writer.StartObject();
  key(writer, "from"), put(writer, options.from);
  key(writer, "to"), put(writer, options.to);
  if (!options.vm.empty()) key(writer, "vm"), put(writer, options.vm);
  writer.EndObject();
  auto answer = context.session().post(Target("/v1/volumes").segment(volume).segment("attachments").segment("move"),
                                       {buffer.GetString(), buffer.GetSize()}, !context.no_wait);
  finish_change(context, std::move(answer), {.look_again = {}, .sentence = [=](const rapidjson::Value&) {
                                               return fmt::format("moved the attachment of volume {} from {} to {}",
                                                                  volume, options.from, options.to);
                                             }});
}
}  // namespace

void add_attach_commands(CLI::App& app, Context& context) {
  auto in = std::make_shared<AttachOptions>();
  auto* command = add_command(app, context, "attach-volume", "Plug a volume into a VM",
                              "vbs attach-volume data node1 web\nvbs attach-volume data node1 web vdc --mode ro",
                              [in](Context& c) { attach(c, *in); });
  command->add_option("VOLUME", in->volume, "id, first characters of one, or name")->required();
  command->add_option("HOST", in->host, "name or alias of the VM's host")->required();
  command->add_option("VM", in->vm, "name or UUID")->required();
  command->add_option("DEVICE", in->device, "wanted name in the VM, such as vdb; default: the next free one");
  command->add_option("--mode", in->mode, "rw (one VM only) or ro (any number)")
      ->check(CLI::IsMember({"ro", "rw"}))
      ->capture_default_str();

  auto out = std::make_shared<DetachOptions>();
  command = add_command(app, context, "detach-volume", "Unplug a volume from a VM, or from all",
                        "vbs detach-volume data\nvbs detach-volume data node1 web\nvbs detach-volume data --all",
                        [out](Context& c) { detach(c, *out); });
  command->add_option("VOLUME", out->volume, "id, first characters of one, or name")->required();
  auto* host = command->add_option("HOST", out->host, "may be left out where there is one attachment");
  command->add_option("VM", out->vm, "name or UUID");
  command->add_flag("--all", out->all, "from every VM")->excludes(host);
  command->add_flag("--force", out->force, "do not wait for the guest to let go");

  auto shown = std::make_shared<ListOptions>();
  command = add_command(app, context, "attachments", "List what is attached where (alone), or move it with its VM",
                        "vbs attachments\nvbs attachments --host node1\n"
                        "vbs --no-wait attachments move data --from node1 --to node2",
                        [shown](Context& c) { list(c, *shown); });
  command->require_subcommand(0, 1);
  command->add_option("--volume", shown->volume, "only of this volume")->type_name("VOLUME");
  command->add_option("--host", shown->host, "only on this host");
  command->add_option("--vm", shown->vm, "only of this VM (name or UUID)");
  command->add_flag("--all-projects", shown->all_projects, "everybody's (operator)");

  auto moved = std::make_shared<MoveOptions>();
  command = add_command(*command, context, "move",
                        "Let a VM that you migrate live take a volume along; waits for the migration (operator)",
                        "vbs --no-wait attachments move data --from node1 --to node2",
                        [moved](Context& c) { move(c, *moved); });
  command->add_option("VOLUME", moved->volume, "id, first characters of one, or name")->required();
  command->add_option("--from", moved->from, "host that the VM leaves")->type_name("HOST")->required();
  command->add_option("--to", moved->to, "host that it goes to")->type_name("HOST")->required();
  command->add_option("--vm", moved->vm, "its name or UUID, where several VMs there have the volume");
}

}  // namespace vbs::cli
