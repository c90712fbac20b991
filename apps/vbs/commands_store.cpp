#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "apps/vbs/commands.hpp"
#include "apps/vbs/description.hpp"
#include "apps/vbs/json_fields.hpp"
#include "apps/vbs/size.hpp"
#include "core/base/log.hpp"

namespace vbs::cli {
namespace {

void backup(Context& context, const std::string& file) {
  const auto answer = context.session().post(Target("/v1/store/backup"), json_object({{"file", file}}));
  if (context.json) return print_json(context.console.out, answer);
  context.console.out << for_log(text(answer, "file"), 4096) << " (" << format_size(number(answer, "size_bytes"))
                      << ")\n";
}

// Configuration and lost store are vbsd's affair, and it is the same program that knows them: this one becomes it.
void become_vbsd(const char* option, const std::string& config) {
  const char* const arguments[] = {"vbsd", option, "--config", config.c_str(), nullptr};
  ::execvp("vbsd", const_cast<char* const*>(arguments));
  throw Failure(Exit::failed, std::string("cannot run vbsd: ") + std::strerror(errno),
                "run this on the service's machine, where vbsd is in PATH (it may be in /usr/sbin)");
}
}  // namespace

void add_store_commands(CLI::App& app, Context& context) {
  auto* group = add_command(app, context, "store", "Back up the service's store, or make it anew (operator)",
                            "vbs store backup\nvbs store rebuild --config /etc/vbs/vbsd.yaml", [](Context&) {});
  group->require_subcommand(1);
  auto file = std::make_shared<std::string>();
  add_command(*group, context, "backup",
              "Copy the store, while it is in use, into the backup directory of the service's machine",
              "vbs store backup\nvbs store backup before-upgrade.db", [file](Context& c) { backup(c, *file); })
      ->add_option("FILE", *file, "name of the copy; default: a name with the time");
  auto config = std::make_shared<std::string>("/etc/vbs/vbsd.yaml");
  add_command(
      *group, context, "rebuild",
      "Make a new store out of what the back-ends have, when it is lost; on the service's machine, vbsd stopped",
      "vbs store rebuild\nvbs store rebuild --config /etc/vbs/vbsd.yaml", [config](Context&) { become_vbsd("--rebuild", *config); })
      ->add_option("--config", *config, "the service's configuration; default /etc/vbs/vbsd.yaml");

  auto* settings = add_command(app, context, "config", "The service's configuration",
                               "vbs config check /etc/vbs/vbsd.yaml", [](Context&) {});
  settings->require_subcommand(1);
  auto checked = std::make_shared<std::string>("/etc/vbs/vbsd.yaml");
  add_command(*settings, context, "check", "Say what is wrong with it, settings of plugins included",
              "vbs config check\nvbs config check new.yaml",
              [checked](Context&) { become_vbsd("--check", *checked); })
      ->add_option("FILE", *checked, "default /etc/vbs/vbsd.yaml");
}

}  // namespace vbs::cli
