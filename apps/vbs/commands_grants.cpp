#include <fmt/format.h>

#include "apps/vbs/commands.hpp"
#include "apps/vbs/description.hpp"
#include "apps/vbs/json_fields.hpp"
#include "apps/vbs/resolve.hpp"
#include "apps/vbs/table.hpp"
#include "core/identity/subject.hpp"

namespace vbs::cli {
namespace {

void print_grants(Context& context, const rapidjson::Value& answer) {
  if (context.json) return print_json(context.console.out, answer);
  Table table({"USER", "USER-ID", "SINCE"});
  const auto& grants = member(answer, "grants");
  if (grants.IsArray())
    for (const auto& g : grants.GetArray()) table.add({text(g, "user"), text(g, "user_id"), text(g, "created_at")});
  if (table.empty()) {
    context.console.out << "nobody but the owner\n";
  } else {
    table.print(context.console.out);
  }
}

// A subject is checked and made canonical here, so that a typing error is not taken for an unknown user.
std::string user_text(const std::string& user) {
  return user.find('=') == std::string::npos ? user : canonical_subject(user);
}

void change(Context& context, const std::string& volume, const std::string& user, const char* verb) {
  const std::string body = json_object({{"user", user_text(user)}});
  const std::string id = resolve_volume(context.session(), volume);
  print_grants(context, context.session().post(Target("/v1/volumes").segment(id).segment(verb), body));
}

void list(Context& context, const std::string& volume) {
  const std::string id = resolve_volume(context.session(), volume);
  print_grants(context, context.session().get(Target("/v1/volumes").segment(id).segment("grants")));
}
}  // namespace

void add_grant_commands(CLI::App& app, Context& context) {
  auto volume = std::make_shared<std::string>();
  auto user = std::make_shared<std::string>();
  const auto add_arguments = [&](CLI::App* command, bool with_user) {
    command->add_option("VOLUME", *volume, "id, first characters of one, or name")->required();
    if (with_user)
      command->add_option("USER", *user, "subject of the certificate, such as CN=bob,O=VBS, or user id")->required();
  };
  add_arguments(
      add_command(app, context, "grant", "Let another user attach a volume read-only", "vbs grant data CN=bob,O=VBS",
                  [volume, user](Context& c) { change(c, *volume, *user, "grants"); }),
      true);
  add_arguments(add_command(app, context, "ungrant", "Take that right back; what is attached stays so",
                            "vbs ungrant data CN=bob,O=VBS",
                            [volume, user](Context& c) { change(c, *volume, *user, "ungrant"); }),
                true);
  add_arguments(add_command(app, context, "grants", "List who may attach a volume read-only", "vbs grants data",
                            [volume](Context& c) { list(c, *volume); }),
                false);
}

}  // namespace vbs::cli
