#include "apps/vbs/cli.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "apps/vbs/commands.hpp"
#include "core/base/log.hpp"

namespace vbs::cli {
namespace {
constexpr const char* kFooter = R"(
Where the service is and who you are: flag, else VBS_URL, VBS_CERT, VBS_KEY, VBS_CA, else the profile in
~/.config/vbs/config.yaml (VBS_CONFIG, VBS_PROFILE), else https://localhost:8443 and ~/.config/vbs/{cert,key,ca}.pem.
VOLUME and SNAPSHOT are an id, its first 4 or more characters, or a unique name.

Exit codes: 0 done, 1 the operation failed, 2 usage, 3 service or TLS not reached, 4 not allowed, 5 not found,
6 conflict, 7 ended unknown or still running, 130 interrupted. More: man vbs; vbs COMMAND --help.)";

int report(Console& console, Exit exit, const std::string& message, const std::string& hint) {
  console.out.flush();
  console.err << "vbs: error: " << message << '\n';
  if (!hint.empty()) console.err << "hint: " << hint << '\n';
  return static_cast<int>(exit);
}

// "describe-volumes", "operations show": the commands that were recognised before the error.
std::string help_command(const CLI::App& app) {
  std::string words = "vbs";
  for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
    at = at->get_subcommands().front();
    words += " " + at->get_name();
  }
  return words + " --help";
}

int run_action(Context& context) {
  try {
    if (context.action) context.action();
  } catch (const Failure& f) {
    return report(context.console, f.exit, f.what(), f.hint);
  } catch (const Error& e) {
    return report(context.console, exit_of(e.code()), e.what(), {});
  }
  if (!context.console.out.flush())
    return report(context.console, Exit::failed, "cannot write to standard output",
                  "is the disk full, or the reader gone?");
  return static_cast<int>(context.exit);
}
}  // namespace

void build(CLI::App& app, Context& context) {
  app.description("Virtual Block Store: persistent volumes for virtual machines");
  app.footer(kFooter);
  app.set_version_flag("--version", "vbs " VBS_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.option_defaults()->always_capture_default(false);
  app.add_option("--url", context.connection.url, "where the service is");
  app.add_option("--cert", context.connection.cert, "your certificate, PEM");
  app.add_option("--key", context.connection.key, "its key, PEM");
  app.add_option("--ca", context.connection.ca, "certificate of the CA that signed the service's");
  app.add_option("--profile", context.connection.profile, "profile in the configuration file");
  app.add_flag("--json", context.json, "print the service's JSON");
  app.add_flag("--no-wait", context.no_wait, "return once the service has taken the work");
  app.add_option("--timeout", context.timeout_seconds, "stop waiting after so many seconds; the work goes on")
      ->type_name("SECONDS");
  add_volume_commands(app, context);
  add_snapshot_commands(app, context);
  add_attach_commands(app, context);
  add_grant_commands(app, context);
  add_operation_commands(app, context);
  add_operator_commands(app, context);
  add_store_commands(app, context);
  add_service_commands(app, context);
  add_ca_commands(app, context);
  add_completion_command(app, context);
}

int run(std::vector<std::string> arguments, Console console, Environment environment, TransportFactory transport) {
  CLI::App app("", "vbs");
  Context context(console, std::move(environment), std::move(transport));
  build(app, context);
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
  try {
    app.parse(arguments);
  } catch (const CLI::Success& e) {
    return app.exit(e, console.out, console.err);
  } catch (const CLI::ParseError& e) {
    if (app.get_subcommands().empty() && !app.remaining().empty())
      return report(console, Exit::usage, fmt::format("there is no command '{}'", for_log(app.remaining().front(), 64)),
                    "`vbs --help` lists the commands");
    return report(console, Exit::usage, e.what(), fmt::format("`{}` shows what can be given", help_command(app)));
  }
  return run_action(context);
}

}  // namespace vbs::cli
