#include <fmt/format.h>

#include "apps/vbs/change.hpp"
#include "apps/vbs/commands.hpp"
#include "apps/vbs/description.hpp"
#include "apps/vbs/json_fields.hpp"
#include "apps/vbs/resolve.hpp"
#include "apps/vbs/views.hpp"

namespace vbs::cli {
namespace {

Target snapshot_target(const std::string& id) { return Target("/v1/snapshots").segment(id); }

std::string body_of(const DescriptionOptions& description, const std::string& volume_id) {
  JsonBuffer buffer;
  JsonWriter writer(buffer);
  writer.StartObject();
  if (!volume_id.empty()) key(writer, "volume_id"), put(writer, volume_id);
  description.write(writer);
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

void create(Context& context, const std::string& volume, const DescriptionOptions& description) {
  const std::string volume_id = resolve_volume(context.session(), volume);
  auto answer = context.session().post(Target("/v1/snapshots"), body_of(description, volume_id), !context.no_wait);
  const std::string id = text(member(answer, "snapshot"), "id");
  finish_change(context, std::move(answer),
                {.look_again = [&context, id] { return context.session().get(snapshot_target(id)); },
                 .sentence =
                     [volume_id](const rapidjson::Value& a) {
                       return fmt::format("created snapshot {} of volume {}", display_name(member(a, "snapshot")),
                                          volume_id);
                     }});
}

struct DescribeOptions {
  std::vector<std::string> snapshots;
  std::string name, state, volume;
  bool all_projects = false;
};

void describe(Context& context, const DescribeOptions& options) {
  auto& session = context.session();
  std::vector<std::string> ids;
  for (const auto& s : options.snapshots) ids.push_back(resolve_snapshot(session, s));
  if (ids.size() == 1) {
    const auto answer = session.get(snapshot_target(ids.front()));
    return context.json ? print_json(context.console.out, answer)
                        : print_snapshot(context.console.out, member(answer, "snapshot"));
  }
  Target target("/v1/snapshots");
  for (const auto& id : ids) target.query("id", id);
  target.query("name", options.name).query("state", options.state);
  if (!options.volume.empty()) target.query("volume_id", resolve_volume(session, options.volume));
  if (options.all_projects) target.query("all_projects", "true");
  const auto answer = session.list(target, "snapshots");
  context.json ? print_json(context.console.out, answer) : print_snapshots(context.console.out, answer["snapshots"]);
}

void remove(Context& context, const std::string& snapshot) {
  const std::string id = resolve_snapshot(context.session(), snapshot);
  finish_change(context, context.session().remove(snapshot_target(id), !context.no_wait),
                {.look_again = {}, .sentence = [id](const rapidjson::Value&) { return "deleted snapshot " + id; }});
}

void update(Context& context, const std::string& snapshot, const DescriptionOptions& description) {
  if (!description.given())
    throw Failure(Exit::usage, "nothing to change", "give --name, --comment, --metadata or --clear-metadata");
  const std::string body = body_of(description, {});
  const auto answer = context.session().patch(snapshot_target(resolve_snapshot(context.session(), snapshot)), body);
  context.json ? print_json(context.console.out, answer)
               : print_snapshot(context.console.out, member(answer, "snapshot"));
}
}  // namespace

void add_snapshot_commands(CLI::App& app, Context& context) {
  auto volume = std::make_shared<std::string>();
  auto made = std::make_shared<DescriptionOptions>();
  auto* command = add_command(app, context, "create-snapshot", "Freeze a volume's content of now",
                              "vbs create-snapshot data --name before-upgrade",
                              [volume, made](Context& c) { create(c, *volume, *made); });
  command->add_option("VOLUME", *volume, "id, first characters of one, or name")->required();
  made->add_to(*command, false);

  auto shown = std::make_shared<DescribeOptions>();
  command = add_command(app, context, "describe-snapshots", "List snapshots, or show one in full",
                        "vbs describe-snapshots\nvbs describe-snapshots --volume data",
                        [shown](Context& c) { describe(c, *shown); });
  command->add_option("SNAPSHOT", shown->snapshots, "id, first characters of one, or name; none: all of yours");
  command->add_option("--name", shown->name, "only of this name");
  command->add_option("--state", shown->state, "only in this state")
      ->check(CLI::IsMember({"pending", "available", "deleting", "failed"}));
  command->add_option("--volume", shown->volume, "only of this volume")->type_name("VOLUME");
  command->add_flag("--all-projects", shown->all_projects, "everybody's (operator)");

  auto snapshot = std::make_shared<std::string>();
  command = add_command(app, context, "delete-snapshot", "Delete a snapshot; volumes made from it stay",
                        "vbs delete-snapshot before-upgrade", [snapshot](Context& c) { remove(c, *snapshot); });
  command->add_option("SNAPSHOT", *snapshot, "id, first characters of one, or name")->required();

  auto changed = std::make_shared<DescriptionOptions>();
  command = add_command(app, context, "update-snapshot", "Change a snapshot's name, comment or metadata",
                        "vbs update-snapshot 77ab --comment 'before the upgrade to 13'",
                        [snapshot, changed](Context& c) { update(c, *snapshot, *changed); });
  command->add_option("SNAPSHOT", *snapshot, "id, first characters of one, or name")->required();
  changed->add_to(*command, true);
}

}  // namespace vbs::cli
