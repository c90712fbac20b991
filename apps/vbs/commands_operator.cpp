#include <fmt/format.h>

#include "apps/vbs/commands.hpp"
#include "apps/vbs/description.hpp"
#include "apps/vbs/json_fields.hpp"
#include "apps/vbs/size.hpp"
#include "apps/vbs/table.hpp"
#include "core/base/log.hpp"
#include "core/identity/subject.hpp"

namespace vbs::cli {
namespace {

using Row = std::function<std::vector<std::string>(const rapidjson::Value&)>;

void print_list(Context& context, const rapidjson::Value& answer, const char* field, std::vector<std::string> heads,
                const Row& row) {
  if (context.json) return print_json(context.console.out, answer);
  Table table(std::move(heads));
  const auto& items = member(answer, field);
  if (items.IsArray())
    for (const auto& item : items.GetArray()) table.add(row(item));
  table.print(context.console.out);
}

std::string yes(const rapidjson::Value& o, const char* name) { return member(o, name).IsTrue() ? "yes" : ""; }

void backends(Context& context) {
  const auto size = [](const rapidjson::Value& b, const char* name) {
    return b.HasMember(name) ? format_size(number(b, name)) : std::string();
  };
  print_list(context, context.session().list(Target("/v1/backends"), "backends"), "backends",
             {"NAME", "PLUGIN", "STATE", "DRAINED", "FREE", "TOTAL", "PROMISED", "CAPABILITIES", "ERROR"},
             [&](const rapidjson::Value& b) {
               return std::vector<std::string>{text(b, "name"),           text(b, "plugin"),
                                               text(b, "state"),          yes(b, "drained"),
                                               size(b, "free_bytes"),     size(b, "total_bytes"),
                                               size(b, "promised_bytes"), join(texts(b, "capabilities"), ","),
                                               text(b, "error")};
             });
}

void plugins(Context& context) {
  print_list(context, context.session().list(Target("/v1/plugins"), "plugins"), "plugins",
             {"NAME", "VERSION", "KINDS", "STATE", "PATH"}, [](const rapidjson::Value& p) {
               const std::string refusal = text(p, "refusal");
               return std::vector<std::string>{text(p, "name"), text(p, "version"), join(texts(p, "kinds"), ","),
                                               refusal.empty() ? "loaded" : "refused: " + refusal, text(p, "path")};
             });
}

void delegates(Context& context) {
  print_list(context, context.session().list(Target("/v1/delegates"), "delegates"), "delegates",
             {"NAME", "ADDRESS", "STATE", "VERSION", "BACKENDS", "HOSTS", "ERROR"}, [](const rapidjson::Value& d) {
               return std::vector<std::string>{text(d, "name"),
                                               text(d, "address"),
                                               text(d, "state"),
                                               text(d, "version"),
                                               join(texts(d, "backends"), ","),
                                               join(texts(d, "hosts"), ","),
                                               text(d, "error")};
             });
}

void enroll_delegate(Context& context, const std::string& name) {
  const auto answer = context.session().post(Target("/v1/delegates").segment(name).segment("tokens"), "{}");
  if (context.json) return print_json(context.console.out, answer);
  context.console.out << fmt::format(
      "valid for one hour and one use; on the node of {}:\n  vbs-delegate enroll --server {} --token {}\n", name,
      context.session().settings().url.value, text(answer, "token"));
}

void users(Context& context) {
  print_list(context, context.session().list(Target("/v1/users"), "users"), "users",
             {"ID", "SUBJECT", "ISSUER", "SOURCE", "ROLES"}, [](const rapidjson::Value& u) {
               return std::vector<std::string>{text(u, "id"), text(u, "subject"), text(u, "issuer"), text(u, "source"),
                                               join(texts(u, "roles"), ",")};
             });
}

void hosts(Context& context) {
  print_list(context, context.session().list(Target("/v1/hosts"), "hosts"), "hosts",
             {"NAME", "ALIASES", "HYPERVISOR", "STATE", "DRAINED", "ERROR"}, [](const rapidjson::Value& h) {
               return std::vector<std::string>{text(h, "name"),       join(texts(h, "aliases"), ","),
                                               text(h, "hypervisor"), text(h, "state"),
                                               yes(h, "drained"),     text(h, "error")};
             });
}

void print_vms(Context& context, const rapidjson::Value& answer) {
  print_list(context, answer, "vms", {"NAME", "UUID", "STATE", "OWNER"}, [](const rapidjson::Value& v) {
    return std::vector<std::string>{text(v, "name"), text(v, "uuid"), text(v, "state"), text(v, "owner")};
  });
}

struct OwnerOptions {
  std::string host, vm, user;
  bool nobody = false;
};

void set_owner(Context& context, const OwnerOptions& options) {
  if (options.nobody != options.user.empty())
    throw Failure(Exit::usage, options.nobody ? "both a user and --nobody are given" : "USER is missing",
                  "vbs hosts owner HOST VM USER, or vbs hosts owner HOST VM --nobody");
  const std::string user = options.user.find('=') == std::string::npos ? options.user : canonical_subject(options.user);
  print_vms(context, context.session().post(Target("/v1/hosts").segment(options.host).segment("owners"),
                                            json_object({{"vm", options.vm}, {"user", user}})));
}

struct DrainOptions {
  std::string name;
  bool undo = false;
};

void drain(Context& context, const char* list, const DrainOptions& options) {
  const auto answer = context.session().post(Target(std::string("/v1/") + list).segment(options.name).segment("drain"),
                                             options.undo ? R"({"drained":false})" : R"({"drained":true})");
  if (context.json) return print_json(context.console.out, answer);
  const auto& left = member(answer, "left");
  const bool empty = !left.IsArray() || left.Empty();
  if (options.undo) {
    context.console.out << for_log(options.name) << " takes new ones again\n";
  } else if (empty) {
    context.console.out << for_log(options.name) << " takes nothing new, and nothing is left there\n";
  } else {
    context.console.out << for_log(options.name) << " takes nothing new; left there:\n";
    print_list(context, answer, "left", {"KIND", "ID", "NAME"}, [](const rapidjson::Value& l) {
      return std::vector<std::string>{text(l, "kind"), text(l, "id"), text(l, "name")};
    });
  }
}

void add_drain_command(CLI::App& group, Context& context, const char* list, const std::string& what,
                       const std::string& takes) {
  auto options = std::make_shared<DrainOptions>();
  auto* command = add_command(group, context, "drain",
                              "Let a " + what + " take no new " + takes + ", and list what it still has (operator)",
                              std::string("vbs ") + list + " drain NAME\nvbs " + list + " drain NAME --undo",
                              [options, list](Context& c) { drain(c, list, *options); });
  command->add_option("NAME", options->name, "of the " + what)->required();
  command->add_flag("--undo", options->undo, "it takes new ones again");
}

void reconcile(Context& context, bool repair) {
  const auto answer =
      context.session().post(Target("/v1/reconcile"), repair ? R"({"repair":true})" : R"({"repair":false})");
  const auto& findings = member(answer, "findings");
  const auto unreachable = texts(answer, "unreachable");
  size_t left = 0;
  Table table({"WHAT", "WHERE", "OBJECT", "DETAIL", "REPAIR"});
  if (findings.IsArray()) {
    for (const auto& f : findings.GetArray()) {
      const bool repaired = member(f, "repaired").IsTrue();
      left += repaired ? 0 : 1;
      table.add({text(f, "what"), text(f, "where"), text(f, "object_id"), text(f, "detail"),
                 (repaired ? "done: " : "") + text(f, "repair")});
    }
  }
  if (left > 0 || !unreachable.empty()) context.exit = Exit::failed;
  auto& out = context.console.out;
  if (context.json) return print_json(out, answer);
  std::vector<std::string> checked;
  const auto& counts = member(answer, "checked");
  if (counts.IsObject())
    for (const auto& m : counts.GetObject())
      checked.push_back(fmt::format("{} {}", number(counts, m.name.GetString()), m.name.GetString()));
  out << "checked: " << join(checked, ", ") << '\n';
  for (const auto& place : unreachable) out << "not reached: " << for_log(place) << '\n';
  if (table.empty()) {
    out << "nothing differs\n";
  } else {
    table.print(out);
    if (left > 0 && !repair) out << "`vbs reconcile --repair` mends what can be mended without risk\n";
  }
}
}  // namespace

void add_operator_commands(CLI::App& app, Context& context) {
  auto repair = std::make_shared<bool>(false);
  add_command(app, context, "reconcile",
              "Compare records, back-ends and hypervisors (operator); exit code 1 when differences are left",
              "vbs reconcile\nvbs reconcile --repair", [repair](Context& c) { reconcile(c, *repair); })
      ->add_flag("--repair", *repair, "mend what can be mended without risk");
  auto* stores = add_command(app, context, "backends", "List back-ends, what they can and what is free (alone: list)",
                             "vbs backends\nvbs backends drain old", backends);
  stores->require_subcommand(0, 1);
  add_command(*stores, context, "list", "Back-ends", "vbs backends list", backends);
  add_drain_command(*stores, context, "backends", "back-end", "volumes and snapshots");
  add_command(app, context, "plugins", "List loaded and refused plugins (operator)", "vbs plugins", plugins);
  auto* nodes = add_command(app, context, "delegates", "List delegates and what they serve (operator; alone: list)",
                            "vbs delegates", delegates);
  nodes->require_subcommand(0, 1);
  add_command(*nodes, context, "list", "Delegates", "vbs delegates list", delegates);
  auto delegate = std::make_shared<std::string>();
  add_command(*nodes, context, "enroll", "Make a token with which a delegate gets its certificate (operator)",
              "vbs delegates enroll stor1", [delegate](Context& c) { enroll_delegate(c, *delegate); })
      ->add_option("NAME", *delegate, "as under delegates in vbsd.yaml")
      ->required();
  add_command(app, context, "users", "List users that the service has seen (operator)", "vbs users", users);

  auto* group = add_command(app, context, "hosts", "List hosts, their VMs, and say whose a VM is (alone: list)",
                            "vbs hosts\nvbs hosts vms node1\nvbs hosts owner node1 web CN=alice,O=VBS", hosts);
  group->require_subcommand(0, 1);
  add_drain_command(*group, context, "hosts", "host", "attachments");
  add_command(*group, context, "list", "Hosts", "vbs hosts list", hosts);
  auto options = std::make_shared<OwnerOptions>();
  add_command(*group, context, "vms", "VMs of a host: all for an operator, else your own", "vbs hosts vms node1",
              [options](Context& c) {
                print_vms(c, c.session().list(Target("/v1/hosts").segment(options->host).segment("vms"), "vms"));
              })
      ->add_option("HOST", options->host, "name or alias")
      ->required();
  auto* owner =
      add_command(*group, context, "owner", "Say whose VM it is (operator); that user may attach volumes to it",
                  "vbs hosts owner node1 web CN=alice,O=VBS\nvbs hosts owner node1 web --nobody",
                  [options](Context& c) { set_owner(c, *options); });
  owner->add_option("HOST", options->host, "name or alias")->required();
  owner->add_option("VM", options->vm, "name or UUID")->required();
  owner->add_option("USER", options->user, "subject of the certificate, or user id");
  owner->add_flag("--nobody", options->nobody, "take the VM from its owner");
}

}  // namespace vbs::cli
