// The command groups; each adds its subcommands to `app`. `context` outlives `app`'s parse and the action that it
// chose.
#pragma once
#include "apps/vbs/context.hpp"

namespace vbs::cli {

void add_volume_commands(CLI::App& app, Context& context);
void add_snapshot_commands(CLI::App& app, Context& context);
void add_attach_commands(CLI::App& app, Context& context);
void add_grant_commands(CLI::App& app, Context& context);
void add_operation_commands(CLI::App& app, Context& context);
void add_operator_commands(CLI::App& app, Context& context);
void add_store_commands(CLI::App& app, Context& context);
void add_service_commands(CLI::App& app, Context& context);
void add_ca_commands(CLI::App& app, Context& context);
void add_completion_command(CLI::App& app, Context& context);

}  // namespace vbs::cli
