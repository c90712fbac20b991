#include <fmt/format.h>

#include "core/base/clock.hpp"
#include "core/base/log.hpp"
#include "core/base/utf8.hpp"
#include "core/store/checks.hpp"
#include "core/store/columns.hpp"

namespace vbs::store {
namespace {
constexpr std::string_view kColumns =
    "seq, id, kind, state, project_id, user_id, subject, object_kind, object_id, params, data, step, step_name, "
    "undoing, attempt, "
    "cancel_requested, waits_for, error_code, error_message, request_id, created_at, updated_at";

template <class... P>
std::vector<OperationRow> select(Session& db, const std::string& rest, const P&... params) {
  std::vector<OperationRow> out;
  db.each<I, S, S, S, S, S, S, S, S, S, S, I, S, I, I, I, S, S, S, S, I, I>(
      fmt::format("SELECT {} FROM operations {}", kColumns, rest),
      [&](I seq, const S& id, const S& kind, const S& state, const S& project, const S& user, const S& subject,
          const S& object_kind, const S& object, const S& params_, const S& data, I step, const S& step_name, I undoing,
          I attempt, I cancel, const S& waits, const S& error_code, const S& error_message, const S& request, I created,
          I updated) {
        out.push_back({seq,    id,         kind,          state,   project,   user,    subject, object_kind,
                       object, params_,    data,          step,    step_name, undoing, attempt, cancel,
                       waits,  error_code, error_message, request, created,   updated});
        check(out.back());
      },
      params...);
  return out;
}
}  // namespace

std::optional<OperationRow> find_operation(Session& db, const std::string& id) {
  return first(select(db, "WHERE id = ?", id));
}

std::vector<OperationRow> live_operations(Session& db) {
  // A text where a number belongs would be read as 0, and the operation begun once more.
  db.each<S>(
      "SELECT id FROM operations WHERE state NOT IN ('done', 'failed') AND (typeof(step) <> 'integer' OR "
      "typeof(undoing) <> 'integer' OR typeof(attempt) <> 'integer' OR typeof(cancel_requested) <> 'integer')",
      [](const S& id) {
        throw Error(Code::internal, "store: operation " + for_log(to_utf8(id), 64) +
                                        ": step, undoing, attempt or cancel_requested is no number; something other "
                                        "than vbsd has changed the store: put back a backup of it");
      });
  return select(db, "WHERE state NOT IN ('done', 'failed') ORDER BY seq");
}

std::vector<OperationRow> list_operations(Session& db, const OperationFilter& f) {
  return select(db,
                "WHERE (? = '' OR project_id = ?) AND (? = '' OR state = ?) AND (? = '' OR object_id = ?) ORDER BY seq "
                "DESC LIMIT ?",
                f.project_id, f.project_id, f.state, f.state, f.object_id, f.object_id, static_cast<I>(f.limit));
}

std::set<std::string> touched_since(Session& db, long long since_us) {
  std::set<std::string> out;
  db.each<S, S, S>(
      "SELECT object_id, coalesce(json_extract(params, '$.volume_id'), ''), coalesce(json_extract(params, "
      "'$.source_id'), '') FROM "
      "operations WHERE updated_at >= ? OR state NOT IN ('done', 'failed')",
      [&](const S& object, const S& volume, const S& source) {
        out.insert({object, volume, source});
      },
      since_us);
  out.erase("");
  return out;
}

void insert_operation(Tx& tx, OperationRow& r) {
  tx.db.run(
      "INSERT INTO operations (id, kind, state, project_id, user_id, subject, object_kind, object_id, params, data, "
      "step, step_name, "
      "undoing, attempt, waits_for, error_code, error_message, request_id, created_at, updated_at) "
      "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      r.id, r.kind, r.state, r.project_id, r.user_id, r.subject, r.object_kind, r.object_id, r.params, r.data, r.step,
      r.step_name, r.undoing, r.attempt, r.waits_for, r.error_code, r.error_message, r.request_id, r.created_at,
      r.updated_at);
  r.seq = tx.db.last_inserted();
}

void update_operation(Tx& tx, const OperationRow& r) {
  const auto changed = tx.db.run(
      "UPDATE operations SET state=?, data=?, step=?, step_name=?, undoing=?, attempt=?, waits_for=?, error_code=?, "
      "error_message=?, updated_at=? WHERE id=?",
      r.state, r.data, r.step, r.step_name, r.undoing, r.attempt, r.waits_for, r.error_code, r.error_message,
      r.updated_at, r.id);
  if (changed != 1) throw Error(Code::internal, "operation " + r.id + " is not in the journal");
}

void request_cancel(Tx& tx, const std::string& id) {
  tx.db.run("UPDATE operations SET cancel_requested = 1 WHERE id = ?", id);
}

void forget_operations(Tx& tx, long long ended_before_us) {
  tx.db.run("DELETE FROM operations WHERE state IN ('done', 'failed') AND updated_at < ?", ended_before_us);
}

void record_event(Tx& tx, const OperationRow& o, const std::string& outcome, const std::string& detail) {
  tx.db.run(
      "INSERT INTO events (at, project_id, user_id, action, outcome, object_kind, object_id, operation_id, request_id, "
      "detail) "
      "VALUES (?,?,?,?,?,?,?,?,?,?)",
      now_us(), o.project_id, o.user_id, o.kind, outcome, o.object_kind, o.object_id, o.id, o.request_id, detail);
}

void record_event(Tx& tx, const UserRow& who, const std::string& action, const std::string& object_kind,
                  const std::string& object_id, const std::string& request_id, const std::string& detail) {
  tx.db.run(
      "INSERT INTO events (at, project_id, user_id, action, outcome, object_kind, object_id, operation_id, request_id, "
      "detail) "
      "VALUES (?,?,?,?,?,?,?,?,?,?)",
      now_us(), who.project_id, who.id, action, "done", object_kind, object_id, "", request_id, detail);
}

std::optional<IdempotencyRow> find_idempotency(Session& db, const std::string& user_id, const std::string& token) {
  std::optional<IdempotencyRow> out;
  db.each<S, S, S>(
      "SELECT request_hash, object_id, operation_id FROM idempotency_keys WHERE user_id = ? AND token = ?",
      [&](const S& hash, const S& object, const S& operation) {
        out = {user_id, token, hash, object, operation};
      },
      user_id, token);
  return out;
}

std::vector<IdempotencyRow> idempotency_family(Session& db, const std::string& user_id, const std::string& token) {
  std::vector<IdempotencyRow> out;
  const std::string first = token + "/", last = token + "0";  // '0' follows '/': a range of the key
  db.each<S, S, S, S>(
      "SELECT token, request_hash, object_id, operation_id FROM idempotency_keys WHERE user_id = ? AND token >= ? AND "
      "token < ?",
      [&](const S& t, const S& hash, const S& object, const S& operation) {
        out.push_back({user_id, t, hash, object, operation});
      },
      user_id, first, last);
  return out;
}

void insert_idempotency(Tx& tx, const IdempotencyRow& r) {
  tx.db.run("INSERT INTO idempotency_keys VALUES (?,?,?,?,?,?)", r.user_id, r.token, r.request_hash, r.object_id,
            r.operation_id, now_us());
}

void expire_idempotency(Tx& tx, long long before_us) {
  tx.db.run("DELETE FROM idempotency_keys WHERE created_at < ?", before_us);
}
}  // namespace vbs::store
