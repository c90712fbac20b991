#include "apps/vbs/context.hpp"

#include "apps/vbs/hints.hpp"

namespace vbs::cli {

Session& Context::session(bool certificate_needed) {
  if (!session_) {
    Settings chosen = settings();
    check_files(chosen, certificate_needed);
    std::unique_ptr<Transport> transport;
    try {
      transport = transport_(chosen);
    } catch (const Error& e) {
      throw connection_failure(e, "connect", chosen);
    }
    session_ = std::make_unique<Session>(chosen, std::move(transport));
  }
  return *session_;
}

CLI::App* add_command(CLI::App& parent, Context& context, const std::string& name, const std::string& summary,
                      const std::string& examples, std::function<void(Context&)> action) {
  auto* command = parent.add_subcommand(name, summary);
  std::string footer = "\nExamples:\n";
  for (size_t at = 0; at < examples.size();) {
    const size_t end = std::min(examples.find('\n', at), examples.size());
    footer += "  " + examples.substr(at, end - at) + "\n";
    at = end + 1;
  }
  command->footer(footer + "\nGlobal options (--json, --no-wait, --url ...) may stand here, too: see vbs --help.");
  command->final_callback([&context, command, action = std::move(action)] {
    if (command->get_subcommands().empty()) context.action = [&context, action] { action(context); };
  });
  return command;
}

}  // namespace vbs::cli
