#include "apps/vbs/change.hpp"

#include <fmt/format.h>

#include <optional>

#include "apps/vbs/json_fields.hpp"
#include "apps/vbs/wait.hpp"

namespace vbs::cli {
namespace {

// Sets `slot` to the ended operation. A failure is kept rather than thrown, so that the others are waited for, too.
void wait_into(Context& context, rapidjson::Value& slot, rapidjson::Document& answer, std::optional<Failure>& first) {
  try {
    const auto end = wait_for_success(context, slot);
    slot.CopyFrom(end, answer.GetAllocator());
  } catch (const Failure& f) {
    if (!first) first = f;
  }
}

void take_over(rapidjson::Document& answer, const rapidjson::Document& newer) {
  auto& allocator = answer.GetAllocator();
  for (const auto& m : newer.GetObject()) {
    answer.RemoveMember(m.name.GetString());
    answer.AddMember(rapidjson::Value(m.name, allocator), rapidjson::Value(m.value, allocator), allocator);
  }
}

void print_accepted(std::ostream& out, const rapidjson::Value& operation) {
  out << fmt::format("accepted: {} of {} {} as operation {}\n", text(operation, "kind"), text(operation, "object_kind"),
                     text(operation, "object_id"), text(operation, "id"));
}
}  // namespace

void finish_change(Context& context, rapidjson::Document answer, const Change& change) {
  std::optional<Failure> failure;
  const bool several = answer.HasMember("operations") && answer["operations"].IsArray();
  if (several) {
    for (auto& operation : answer["operations"].GetArray()) wait_into(context, operation, answer, failure);
  } else if (answer.HasMember("operation")) {
    wait_into(context, answer["operation"], answer, failure);
  }
  if (failure) throw *failure;
  if (!context.no_wait && change.look_again) take_over(answer, change.look_again());
  auto& out = context.console.out;
  if (context.json) return print_json(out, answer);
  if (!context.no_wait) {
    out << change.sentence(answer) << '\n';
  } else if (several) {
    for (const auto& operation : answer["operations"].GetArray()) print_accepted(out, operation);
  } else {
    print_accepted(out, member(answer, "operation"));
  }
}

}  // namespace vbs::cli
