#include "apps/vbs/commands.hpp"
#include "apps/vbs/json_fields.hpp"
#include "apps/vbs/table.hpp"
#include "core/base/log.hpp"

namespace vbs::cli {
namespace {

void whoami(Context& context) {
  const auto answer = context.session().get(Target("/v1/whoami"));
  if (context.json) return print_json(context.console.out, answer);
  const auto& user = member(answer, "user");
  Details details;
  details.add("user id", text(user, "id"));
  details.add("subject", text(user, "subject"));
  details.add("issuer", text(user, "issuer"));
  details.add("source", text(user, "source"));
  details.add("project", text(user, "project_id"));
  details.add("roles", join(texts(user, "roles"), ", "));
  details.add("service", context.session().settings().url.value);
  details.print(context.console.out);
}

void health(Context& context) {
  const auto answer = context.session(false).get_any_status(Target("/v1/health"));
  const std::string status = text(answer, "status");
  if (status != "ok") context.exit = Exit::failed;
  if (context.json) return print_json(context.console.out, answer);
  context.console.out << for_log(status) << ", version " << for_log(text(answer, "version")) << '\n';
  for (const auto& problem : texts(answer, "problems")) context.console.out << "  " << for_log(problem, 2048) << '\n';
}
}  // namespace

void add_service_commands(CLI::App& app, Context& context) {
  add_command(app, context, "whoami", "Who the service takes you for", "vbs whoami\nvbs --profile bob whoami", whoami);
  add_command(app, context, "health", "Whether the service works", "vbs health", health);
}

}  // namespace vbs::cli
