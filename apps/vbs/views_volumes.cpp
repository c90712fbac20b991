#include <fmt/format.h>

#include "apps/vbs/json_fields.hpp"
#include "apps/vbs/size.hpp"
#include "apps/vbs/table.hpp"
#include "apps/vbs/views.hpp"

namespace vbs::cli {
namespace {

std::string attachment_words(const rapidjson::Value& attachments) {
  size_t rw = 0, ro = 0;
  for (const auto& a : attachments.GetArray()) (text(a, "mode") == "rw" ? rw : ro) += 1;
  std::vector<std::string> words;
  if (rw > 0) words.push_back(rw == 1 ? "rw" : fmt::format("{} rw", rw));
  if (ro > 0) words.push_back(fmt::format("{} ro", ro));
  return join(words, ", ");
}

std::string operation_words(const rapidjson::Value& operation) {
  const auto& progress = member(operation, "progress");
  const uint64_t total = number(progress, "total_bytes");
  std::string words = text(operation, "kind");
  if (text(operation, "state") == "waiting") return words + " waits";
  if (total > 0)
    words += fmt::format(" {}%", static_cast<int>(100.0 * static_cast<double>(number(progress, "done_bytes")) /
                                                  static_cast<double>(total)));
  return words;
}

std::string attached_to(const rapidjson::Value& attachments) {
  constexpr size_t kShown = 2;
  if (!attachments.IsArray()) return {};
  std::vector<std::string> places;
  for (const auto& a : attachments.GetArray()) places.push_back(text(a, "host") + "/" + text(a, "vm"));
  if (places.size() <= kShown) return join(places, ", ");
  const size_t more = places.size() - kShown;
  places.resize(kShown);
  return fmt::format("{}, +{}", join(places, ", "), more);
}

std::string metadata_text(const rapidjson::Value& metadata) {
  std::vector<std::string> pairs;
  if (metadata.IsObject())
    for (const auto& m : metadata.GetObject())
      pairs.push_back(fmt::format("{}={}", m.name.GetString(), text(metadata, m.name.GetString())));
  return join(pairs, ", ");
}

std::string operation_line(const rapidjson::Value& operation) {
  if (!operation.IsObject()) return {};
  return fmt::format("{} {} ({})", operation_words(operation), text(operation, "id"), text(operation, "state"));
}
}  // namespace

std::string volume_state(const rapidjson::Value& volume) {
  std::string state = text(volume, "state");
  const auto& attachments = member(volume, "attachments");
  if (state == "available" && attachments.IsArray() && !attachments.Empty())
    state = fmt::format("in-use ({})", attachment_words(attachments));
  const auto& operation = member(volume, "operation");
  if (operation.IsObject()) state += "; " + operation_words(operation);
  return state;
}

void print_volumes(std::ostream& out, const rapidjson::Value& volumes) {
  std::vector<std::string> ids;
  for (const auto& v : volumes.GetArray()) ids.push_back(text(v, "id"));
  ids = short_ids(ids);
  Table table({"ID", "NAME", "SIZE", "STATE", "BACKEND", "ATTACHED-TO"});
  for (rapidjson::SizeType i = 0; i < volumes.Size(); ++i) {
    const auto& v = volumes[i];
    table.add({ids[i], text(v, "name"), format_size(number(v, "size_bytes")), volume_state(v), text(v, "backend"),
               attached_to(member(v, "attachments"))});
  }
  table.print(out);
}

void print_volume(std::ostream& out, const rapidjson::Value& volume) {
  Details details;
  details.add("id", text(volume, "id"));
  details.add("name", text(volume, "name"));
  details.add("comment", text(volume, "comment"));
  details.add("size", size_text(volume));
  details.add("state", volume_state(volume));
  details.add("error", reason_text(member(volume, "error")));
  details.add("back-end", fmt::format("{} (format {})", text(volume, "backend"), text(volume, "format")));
  details.add("owner", fmt::format("{} (project {})", text(volume, "owner"), text(volume, "project_id")));
  details.add("your access", text(volume, "access"));
  details.add("from snapshot", text(volume, "snapshot_id"));
  details.add("from volume", text(volume, "source_volume_id"));
  details.add("metadata", metadata_text(member(volume, "metadata")));
  details.add("operation", operation_line(member(volume, "operation")));
  details.add("created", text(volume, "created_at"));
  details.add("updated", text(volume, "updated_at"));
  details.print(out);
  const auto& attachments = member(volume, "attachments");
  if (!attachments.IsArray() || attachments.Empty()) return;
  out << "attachments:\n";
  print_attachments(out, attachments, "  ");
}

void print_snapshots(std::ostream& out, const rapidjson::Value& snapshots) {
  std::vector<std::string> ids, volumes;
  for (const auto& s : snapshots.GetArray()) {
    ids.push_back(text(s, "id"));
    volumes.push_back(text(s, "volume_id"));
  }
  ids = short_ids(ids);
  volumes = short_ids(volumes);
  Table table({"ID", "NAME", "VOLUME", "SIZE", "STATE", "BACKEND", "CREATED"});
  for (rapidjson::SizeType i = 0; i < snapshots.Size(); ++i) {
    const auto& s = snapshots[i];
    table.add({ids[i], text(s, "name"), volumes[i], format_size(number(s, "size_bytes")), volume_state(s),
               text(s, "backend"), text(s, "created_at")});
  }
  table.print(out);
}

void print_snapshot(std::ostream& out, const rapidjson::Value& snapshot) {
  Details details;
  details.add("id", text(snapshot, "id"));
  details.add("name", text(snapshot, "name"));
  details.add("comment", text(snapshot, "comment"));
  details.add("of volume", text(snapshot, "volume_id"));
  details.add("size", size_text(snapshot));
  details.add("state", volume_state(snapshot));
  details.add("error", reason_text(member(snapshot, "error")));
  details.add("back-end", text(snapshot, "backend"));
  details.add("owner", fmt::format("{} (project {})", text(snapshot, "owner"), text(snapshot, "project_id")));
  details.add("metadata", metadata_text(member(snapshot, "metadata")));
  details.add("operation", operation_line(member(snapshot, "operation")));
  details.add("created", text(snapshot, "created_at"));
  details.add("updated", text(snapshot, "updated_at"));
  details.print(out);
}

void print_attachments(std::ostream& out, const rapidjson::Value& attachments, const std::string& indent) {
  std::vector<std::string> volumes;
  for (const auto& a : attachments.GetArray()) volumes.push_back(text(a, "volume_id"));
  volumes = short_ids(volumes);
  Table table({"VOLUME", "HOST", "VM", "DEVICE", "MODE", "STATE", "SINCE", "ERROR"});
  for (rapidjson::SizeType i = 0; i < attachments.Size(); ++i) {
    const auto& a = attachments[i];
    table.add({volumes[i], text(a, "host"), text(a, "vm"), text(a, "device"), text(a, "mode"), text(a, "state"),
               text(a, "created_at"), reason_text(member(a, "error"))});
  }
  table.print(out, indent);
}

}  // namespace vbs::cli
