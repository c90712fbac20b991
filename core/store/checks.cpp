#include "core/store/checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "core/base/json.hpp"
#include "core/base/log.hpp"
#include "core/base/utf8.hpp"

namespace vbs::store {
namespace {
constexpr long long kLastTime = 253'402'300'799'999'999;  // us since 1970: the end of year 9999, the last that is shown
constexpr long long kMaxSize = 1ll << 60;                 // bytes
constexpr long long kMaxCount = 1ll << 40;

class Row {
 public:
  Row(std::string_view table, const std::string& id) : table_(table), id_(id) { text("id", id); }

  Row& text(const char* column, const std::string& value) {
    if (!is_utf8(value)) bad(column, to_utf8(value), "UTF-8 text");
    return *this;
  }
  Row& word(const char* column, const std::string& value, std::initializer_list<std::string_view> words) {
    if (std::find(words.begin(), words.end(), value) == words.end())
      bad(column, to_utf8(value), fmt::format("{}", fmt::join(words, ", ")));
    return *this;
  }
  Row& number(const char* column, long long value, long long min, long long max) {
    if (value < min || value > max) bad(column, std::to_string(value), fmt::format("{} to {}", min, max));
    return *this;
  }
  Row& time(const char* column, long long value) { return number(column, value, 0, kLastTime); }
  Row& texts_as_json(const char* column, const std::string& value) {
    if (value == "{}") return *this;
    try {
      const auto document = parse_json(value);
      if (document.IsObject() &&
          std::all_of(document.MemberBegin(), document.MemberEnd(), [](const auto& m) { return m.value.IsString(); }))
        return *this;
    } catch (const Error&) {
    }
    bad(column, to_utf8(value), "a JSON object of texts");
  }

 private:
  [[noreturn]] void bad(const char* column, const std::string& value, const std::string& wanted) const {
    throw Error(
        Code::internal,
        fmt::format("store: {} {}: {} is '{}', and must be {}; something other than vbsd has changed the store: "
                    "put back a backup of it, or make it anew with vbsd --rebuild",
                    table_, for_log(to_utf8(id_), 64), column, for_log(value, 64), wanted));
  }
  const std::string_view table_;
  const std::string& id_;
};

Row check_object(const char* table, const ObjectRow& r) {
  Row row(table, r.id);
  row.text("project_id", r.project_id).text("user_id", r.user_id).text("backend_id", r.backend_id);
  row.text("name", r.name).text("comment", r.comment).texts_as_json("metadata", r.metadata);
  row.number("size_bytes", r.size_bytes, 0, kMaxSize);
  row.word("lifecycle", r.lifecycle, {"pending", "available", "deleting", "failed"});
  row.text("format", r.format).text("refs", r.refs).text("layer", r.layer);
  row.text("error_code", r.error_code).text("error_message", r.error_message).text("operation_id", r.operation_id);
  row.time("created_at", r.created_at).time("updated_at", r.updated_at);
  return row;
}
}  // namespace

void check(const VolumeRow& r) {
  check_object("volume", r).text("snapshot_id", r.snapshot_id).text("source_volume_id", r.source_volume_id);
}

void check(const SnapshotRow& r) { check_object("snapshot", r).text("volume_id", r.volume_id); }

void check(const AttachmentRow& r) {
  Row row("attachment", r.id);
  row.text("volume_id", r.volume_id).text("project_id", r.project_id).text("user_id", r.user_id);
  row.text("host_id", r.host_id).text("vm_uuid", r.vm_uuid).text("vm_name", r.vm_name);
  row.word("mode", r.mode, {"ro", "rw"}).text("state", r.state).text("device", r.device);
  row.text("export_id", r.export_id).text("error_code", r.error_code).text("error_message", r.error_message);
  row.text("operation_id", r.operation_id).time("created_at", r.created_at).time("updated_at", r.updated_at);
}

// Not the secret, which must stand in no message.
void check(const ExportRow& r) {
  Row row("export", r.id);
  row.word("mode", r.mode, {"ro", "rw"}).text("kind", r.kind).text("format", r.format).text("data", r.data);
  row.text("refs", r.refs)
      .text("initiator", r.initiator)
      .word("state", r.state, {"planned", "exported", "fenced"})
      .time("created_at", r.created_at);
}

void check(const OperationRow& r) {
  Row row("operation", r.id);
  row.text("kind", r.kind).word("state", r.state, {"queued", "running", "waiting", "undoing", "done", "failed"});
  row.text("project_id", r.project_id).text("user_id", r.user_id).text("subject", r.subject);
  row.text("object_kind", r.object_kind).text("object_id", r.object_id).text("params", r.params).text("data", r.data);
  row.number("step", r.step, -1, kMaxCount)
      .number("undoing", r.undoing, 0, 1)
      .number("attempt", r.attempt, 1, kMaxCount);
  row.number("cancel_requested", r.cancel_requested, 0, 1)
      .text("step_name", r.step_name)
      .text("waits_for", r.waits_for);
  row.text("error_code", r.error_code).text("error_message", r.error_message).text("request_id", r.request_id);
  row.time("created_at", r.created_at).time("updated_at", r.updated_at);
}

void check(const UserRow& r) {
  Row row("user", r.id);
  row.text("source", r.source).text("issuer", r.issuer).text("subject", r.subject).text("project_id", r.project_id);
  row.time("created_at", r.created_at);
}

}  // namespace vbs::store
