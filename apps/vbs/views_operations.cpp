#include <fmt/format.h>

#include "apps/vbs/json_fields.hpp"
#include "apps/vbs/progress.hpp"
#include "apps/vbs/table.hpp"
#include "apps/vbs/views.hpp"

namespace vbs::cli {
namespace {
std::string progress_text(const rapidjson::Value& operation) {
  const auto& progress = member(operation, "progress");
  return progress_bar(number(progress, "done_bytes"), number(progress, "total_bytes"));
}

// Why it waits while it does, else how it failed.
std::string reason_of(const rapidjson::Value& operation) {
  const std::string waits = text(operation, "waits_for");
  return waits.empty() ? reason_text(member(operation, "error")) : "waits: " + waits;
}
}  // namespace

void print_operations(std::ostream& out, const rapidjson::Value& operations) {
  std::vector<std::string> ids, objects;
  for (const auto& o : operations.GetArray()) {
    ids.push_back(text(o, "id"));
    objects.push_back(text(o, "object_id"));
  }
  ids = short_ids(ids);
  objects = short_ids(objects);
  Table table({"ID", "KIND", "STATE", "OBJECT", "STARTED", "REASON"});
  for (rapidjson::SizeType i = 0; i < operations.Size(); ++i) {
    const auto& o = operations[i];
    table.add({ids[i], text(o, "kind"), text(o, "state"), fmt::format("{} {}", text(o, "object_kind"), objects[i]),
               text(o, "created_at"), reason_of(o)});
  }
  table.print(out);
}

void print_operation(std::ostream& out, const rapidjson::Value& operation) {
  Details details;
  details.add("id", text(operation, "id"));
  details.add("kind", text(operation, "kind"));
  details.add("state", text(operation, "state"));
  details.add("step", text(operation, "step"));
  details.add("object", fmt::format("{} {}", text(operation, "object_kind"), text(operation, "object_id")));
  details.add("user", text(operation, "user"));
  details.add("attempt", std::to_string(number(operation, "attempt")));
  details.add("progress", progress_text(operation));
  details.add("waits for", text(operation, "waits_for"));
  details.add("error", reason_text(member(operation, "error")));
  details.add("created", text(operation, "created_at"));
  details.add("updated", text(operation, "updated_at"));
  details.print(out);
}

}  // namespace vbs::cli
