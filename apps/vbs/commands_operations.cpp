#include <fmt/format.h>

#include "apps/vbs/commands.hpp"
#include "apps/vbs/json_fields.hpp"
#include "apps/vbs/resolve.hpp"
#include "apps/vbs/views.hpp"
#include "apps/vbs/wait.hpp"

namespace vbs::cli {
namespace {

struct ListOptions {
  std::string state, object, limit = "50";
  bool all_projects = false;
};

void list(Context& context, const ListOptions& options) {
  Target target("/v1/operations");
  target.query("state", options.state).query("object_id", options.object).query("limit", options.limit);
  if (options.all_projects) target.query("all_projects", "true");
  const auto answer = context.session().list(target, "operations");
  context.json ? print_json(context.console.out, answer) : print_operations(context.console.out, answer["operations"]);
}

void print_one(Context& context, const rapidjson::Value& operation) {
  if (!context.json) return print_operation(context.console.out, operation);
  rapidjson::Document document(rapidjson::kObjectType);
  document.AddMember("operation", rapidjson::Value(operation, document.GetAllocator()), document.GetAllocator());
  print_json(context.console.out, document);
}

Target operation_target(Context& context, const std::string& id) {
  return Target("/v1/operations").segment(resolve_operation(context.session(), id));
}

void show(Context& context, const std::string& id) {
  const auto answer = context.session().get(operation_target(context, id));
  print_one(context, member(answer, "operation"));
}

// A cancelled operation ends as failed, which is what was asked for here.
void cancel(Context& context, const std::string& id) {
  const auto answer = context.session().post(operation_target(context, id).segment("cancel"), "{}");
  const auto end = wait_for_end(context, member(answer, "operation"));
  print_one(context, end);
  if (text(end, "state") == "done")
    throw Failure(Exit::failed, fmt::format("{} was done before it could be cancelled", text(end, "kind")));
}

void retry(Context& context, const std::string& id) {
  const auto answer = context.session().post(operation_target(context, id).segment("retry"), "{}");
  print_one(context, wait_for_success(context, member(answer, "operation")));
}
}  // namespace

void add_operation_commands(CLI::App& app, Context& context) {
  auto listed = std::make_shared<ListOptions>();
  auto* group = add_command(app, context, "operations", "Look at operations, cancel or retry them (alone: list)",
                            "vbs operations list --state running\nvbs operations show 8c01\nvbs operations cancel 8c01",
                            [listed](Context& c) { list(c, *listed); });
  group->require_subcommand(0, 1);
  auto* command = add_command(*group, context, "list", "Operations of your project, newest first",
                              "vbs operations list\nvbs operations list --state waiting --all-projects",
                              [listed](Context& c) { list(c, *listed); });
  command->add_option("--state", listed->state, "only in this state")
      ->check(CLI::IsMember({"queued", "running", "waiting", "undoing", "done", "failed"}));
  command->add_option("--object", listed->object, "only of the volume, snapshot or attachment of this id")
      ->type_name("ID");
  command->add_option("--limit", listed->limit, "how many at most")->check(CLI::Range(1, 1000))->capture_default_str();
  command->add_flag("--all-projects", listed->all_projects, "everybody's (operator)");

  auto id = std::make_shared<std::string>();
  const auto add_one = [&](const char* name, const char* summary, void (*run)(Context&, const std::string&)) {
    add_command(*group, context, name, summary, fmt::format("vbs operations {} 8c01", name),
                [id, run](Context& c) { run(c, *id); })
        ->add_option("OPERATION", *id, "id, or its first characters")
        ->required();
  };
  add_one("show", "One operation in full", show);
  add_one("cancel", "Stop an operation and undo what it did; waits for that", cancel);
  add_one("retry", "Ask again now for an operation that waits", retry);
}

}  // namespace vbs::cli
