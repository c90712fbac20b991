#include <fmt/format.h>

#include "apps/vbs/change.hpp"
#include "apps/vbs/commands.hpp"
#include "apps/vbs/description.hpp"
#include "apps/vbs/json_fields.hpp"
#include "apps/vbs/resolve.hpp"
#include "apps/vbs/size.hpp"
#include "apps/vbs/views.hpp"
#include "core/base/log.hpp"

namespace vbs::cli {
namespace {

Target volume_target(const std::string& id) { return Target("/v1/volumes").segment(id); }

struct CreateOptions {
  std::string size, from_snapshot, from_volume, backend;
  DescriptionOptions description;
};

std::string create_body(Context& context, const CreateOptions& options) {
  const std::string snapshot =
      options.from_snapshot.empty() ? "" : resolve_snapshot(context.session(), options.from_snapshot);
  const std::string source = options.from_volume.empty() ? "" : resolve_volume(context.session(), options.from_volume);
  JsonBuffer buffer;
  JsonWriter writer(buffer);
  writer.StartObject();
  options.description.write(writer);
  if (!options.size.empty()) key(writer, "size_bytes"), writer.Uint64(parse_size(options.size));
  if (!snapshot.empty()) key(writer, "snapshot_id"), put(writer, snapshot);
  if (!source.empty()) key(writer, "volume_id"), put(writer, source);
  if (!options.backend.empty()) key(writer, "backend"), put(writer, options.backend);
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

void create(Context& context, const CreateOptions& options) {
  if (options.size.empty() && options.from_snapshot.empty() && options.from_volume.empty())
    throw Failure(Exit::usage, "an empty volume needs a size", "vbs create-volume 10GiB --name data");
  if (!options.size.empty()) parse_size(options.size);  // before anything is asked of the service
  auto answer = context.session().post(Target("/v1/volumes"), create_body(context, options), !context.no_wait);
  const std::string id = text(member(answer, "volume"), "id");
  finish_change(context, std::move(answer),
                {.look_again = [&context, id] { return context.session().get(volume_target(id)); },
                 .sentence =
                     [](const rapidjson::Value& a) {
                       const auto& v = member(a, "volume");
                       return fmt::format("created volume {}, {} on {}", display_name(v),
                                          format_size(number(v, "size_bytes")), text(v, "backend"));
                     }});
}

struct DescribeOptions {
  std::vector<std::string> volumes;
  std::string name, state, host, vm;
  bool all_projects = false;
};

void describe(Context& context, const DescribeOptions& options) {
  auto& session = context.session();
  std::vector<std::string> ids;
  for (const auto& v : options.volumes) ids.push_back(resolve_volume(session, v));
  if (ids.size() == 1) {
    const auto answer = session.get(volume_target(ids.front()));
    return context.json ? print_json(context.console.out, answer)
                        : print_volume(context.console.out, member(answer, "volume"));
  }
  Target target("/v1/volumes");
  for (const auto& id : ids) target.query("id", id);
  target.query("name", options.name).query("state", options.state).query("host", options.host).query("vm", options.vm);
  if (options.all_projects) target.query("all_projects", "true");
  const auto answer = session.list(target, "volumes");
  context.json ? print_json(context.console.out, answer) : print_volumes(context.console.out, answer["volumes"]);
}

void remove(Context& context, const std::string& volume) {
  const std::string id = resolve_volume(context.session(), volume);
  finish_change(context, context.session().remove(volume_target(id), !context.no_wait),
                {.look_again = {}, .sentence = [id](const rapidjson::Value&) { return "deleted volume " + id; }});
}

void extend(Context& context, const std::string& volume, const std::string& size) {
  const uint64_t bytes = parse_size(size);
  const std::string id = resolve_volume(context.session(), volume);
  auto answer = context.session().post(volume_target(id).segment("extend"),
                                       fmt::format(R"({{"size_bytes":{}}})", bytes), !context.no_wait);
  finish_change(context, std::move(answer), {.look_again = {}, .sentence = [=](const rapidjson::Value&) {
                                               return fmt::format("extended volume {} to {}", id, format_size(bytes));
                                             }});
}

void revert(Context& context, const std::string& volume, const std::string& snapshot) {
  const std::string id = resolve_volume(context.session(), volume);
  const std::string to = resolve_snapshot(context.session(), snapshot);
  auto answer = context.session().post(volume_target(id).segment("revert"),
                                       fmt::format(R"({{"snapshot_id":"{}"}})", to), !context.no_wait);
  finish_change(context, std::move(answer), {.look_again = {}, .sentence = [=](const rapidjson::Value&) {
                                               return fmt::format("reverted volume {} to snapshot {}", id, to);
                                             }});
}

void flatten(Context& context, const std::string& volume) {
  const std::string id = resolve_volume(context.session(), volume);
  auto answer = context.session().post(volume_target(id).segment("flatten"), "{}", !context.no_wait);
  finish_change(context, std::move(answer), {.look_again = {}, .sentence = [=](const rapidjson::Value&) {
                                               return fmt::format("flattened volume {}", id);
                                             }});
}

void update(Context& context, const std::string& volume, const DescriptionOptions& options) {
  if (!options.given())
    throw Failure(Exit::usage, "nothing to change", "give --name, --comment, --metadata or --clear-metadata");
  JsonBuffer buffer;
  JsonWriter writer(buffer);
  writer.StartObject();
  options.write(writer);
  writer.EndObject();
  const std::string id = resolve_volume(context.session(), volume);
  const auto answer = context.session().patch(volume_target(id), {buffer.GetString(), buffer.GetSize()});
  context.json ? print_json(context.console.out, answer) : print_volume(context.console.out, member(answer, "volume"));
}

void explain(Context& context, const std::string& volume) {
  const std::string id = resolve_volume(context.session(), volume);
  const auto answer = context.session().get(volume_target(id).segment("explain"));
  auto& out = context.console.out;
  if (context.json) return print_json(out, answer);
  for (const auto& line : texts(answer, "explanation")) out << for_log(line, 4096) << '\n';
  const auto next = texts(answer, "next");
  if (!next.empty()) out << "next:\n";
  for (const auto& line : next) out << "  " << for_log(line, 4096) << '\n';
}
}  // namespace

void add_volume_commands(CLI::App& app, Context& context) {
  auto make = std::make_shared<CreateOptions>();
  auto* command =
      add_command(app, context, "create-volume", "Create a volume: empty, from a snapshot, or as a copy of a volume",
                  "vbs create-volume 10GiB --name data\nvbs create-volume --from-snapshot before-upgrade --name trial\n"
                  "vbs create-volume 1TiB --from-volume data --backend lustre",
                  [make](Context& c) { create(c, *make); });
  command->add_option("SIZE", make->size,
                      "such as 500MiB, 10GiB (10G is the same), 1TiB; with a source, by default the source's");
  auto* snapshot =
      command->add_option("--from-snapshot", make->from_snapshot, "content of this snapshot")->type_name("SNAPSHOT");
  command->add_option("--from-volume", make->from_volume, "content of this volume")
      ->type_name("VOLUME")
      ->excludes(snapshot);
  command->add_option("--backend", make->backend, "name of the back-end; default: the service's first");
  make->description.add_to(*command, false);

  auto shown = std::make_shared<DescribeOptions>();
  command = add_command(app, context, "describe-volumes", "List volumes, or show one in full",
                        "vbs describe-volumes\nvbs describe-volumes data\nvbs describe-volumes --host node1 --json",
                        [shown](Context& c) { describe(c, *shown); });
  command->add_option("VOLUME", shown->volumes, "id, first characters of one, or name; none: all of yours");
  command->add_option("--name", shown->name, "only of this name");
  command->add_option("--state", shown->state, "only in this state")
      ->check(CLI::IsMember({"pending", "available", "deleting", "failed"}));
  command->add_option("--host", shown->host, "only attached on this host");
  command->add_option("--vm", shown->vm, "only attached to this VM (name or UUID)");
  command->add_flag("--all-projects", shown->all_projects, "everybody's (operator)");

  auto volume = std::make_shared<std::string>();
  command = add_command(app, context, "delete-volume", "Delete a volume and what is in it",
                        "vbs delete-volume data\nvbs delete-volume 3f2a", [volume](Context& c) { remove(c, *volume); });
  command->add_option("VOLUME", *volume, "id, first characters of one, or name")->required();

  auto size = std::make_shared<std::string>();
  command = add_command(app, context, "extend-volume", "Make a volume larger, also while a VM uses it",
                        "vbs extend-volume data 20GiB", [volume, size](Context& c) { extend(c, *volume, *size); });
  command->add_option("VOLUME", *volume, "id, first characters of one, or name")->required();
  command->add_option("SIZE", *size, "the new size, such as 20GiB")->required();

  auto target = std::make_shared<std::string>();
  command = add_command(
      app, context, "revert-volume", "Give a volume the data of its latest snapshot; it must not be attached",
      "vbs revert-volume data before-upgrade", [volume, target](Context& c) { revert(c, *volume, *target); });
  command->add_option("VOLUME", *volume, "id, first characters of one, or name")->required();
  command->add_option("SNAPSHOT", *target, "id, first characters of one, or name")->required();

  command = add_command(app, context, "flatten-volume",
                        "Give a volume files of its own, so that it rests on no layers of snapshots",
                        "vbs flatten-volume data", [volume](Context& c) { flatten(c, *volume); });
  command->add_option("VOLUME", *volume, "id, first characters of one, or name")->required();

  auto description = std::make_shared<DescriptionOptions>();
  command = add_command(app, context, "update-volume", "Change a volume's name, comment or metadata",
                        "vbs update-volume 3f2a --name data --metadata rack=b4",
                        [volume, description](Context& c) { update(c, *volume, *description); });
  command->add_option("VOLUME", *volume, "id, first characters of one, or name")->required();
  description->add_to(*command, true);

  command = add_command(app, context, "explain", "Why a volume is in its state, and what can be done next",
                        "vbs explain data", [volume](Context& c) { explain(c, *volume); });
  command->add_option("VOLUME", *volume, "id, first characters of one, or name")->required();
}

}  // namespace vbs::cli
