// One connection to the store, with kept (prepared once) statements behind two calls:
//
//   db.each<std::string, long long>("SELECT id, size_bytes FROM volumes WHERE backend_id = ?",
//                                   [&](const std::string& id, long long size) { ... }, backend_id);
//   db.run("DELETE FROM volumes WHERE id = ?", id);
//
// each() always reads to the end: a kept SELECT that is not drained pins the WAL snapshot and the next write fails (a
// rule of SOCI on SQLite). No column of the schema is NULL, so there are no indicators.
//
// Threading: one thread at a time. Errors: throws Error(internal) with SQLite's words; a unique violation is
// UniqueViolation; StoreFailure says that the same statement may succeed later (disk full, I/O error, locked).
#pragma once
#include <soci/soci.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "core/base/error.hpp"

namespace vbs::store {

struct UniqueViolation : Error {
  explicit UniqueViolation(const std::string& what) : Error(Code::conflict, what) {}
};

struct StoreFailure : Error {
  explicit StoreFailure(const std::string& what) : Error(Code::internal, what) {}
};

class Session {
 public:
  enum class Access { read_write, read_only };
  Session(const std::string& path, Access access);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Calls f(const C&...) for each row.
  template <class... C, class F, class... P>
  void each(std::string_view sql, F&& f, const P&... params) {
    auto& kept = prepared<std::tuple<Stored<P>...>, std::tuple<C...>>(sql);
    guarded(sql, [&] {
      kept.params = std::tuple<Stored<P>...>(params...);
      for (bool got = kept.statement.execute(true); got; got = kept.statement.fetch()) std::apply(f, kept.columns);
    });
  }
  // Answers how many rows were changed.
  template <class... P>
  long long run(std::string_view sql, const P&... params) {
    auto& kept = prepared<std::tuple<Stored<P>...>, std::tuple<>>(sql);
    long long changed = 0;
    guarded(sql, [&] {
      kept.params = std::tuple<Stored<P>...>(params...);
      kept.statement.execute(true);
      changed = kept.statement.get_affected_rows();
    });
    return changed;
  }
  // The one number of a query such as SELECT count(*).
  template <class... P>
  long long number(std::string_view sql, const P&... params) {
    long long n = 0;
    each<long long>(
        sql, [&](long long v) { n = v; }, params...);
    return n;
  }
  long long last_inserted();            // the rowid
  void script(const std::string& sql);  // several statements, nothing kept (migrations, pragmas)

 private:
  template <class T>
  using Stored = std::conditional_t<std::is_convertible_v<T, std::string_view>, std::string,
                                    std::conditional_t<std::is_floating_point_v<T>, double, long long>>;
  struct Kept {
    virtual ~Kept() = default;
  };
  template <class Params, class Columns>
  struct KeptStatement : Kept {
    KeptStatement(soci::session& s, const std::string& sql) : statement(s) {
      std::apply([&](auto&... p) { (statement.exchange(soci::use(p)), ...); }, params);
      std::apply([&](auto&... c) { (statement.exchange(soci::into(c)), ...); }, columns);
      statement.alloc();
      statement.prepare(sql);
      statement.define_and_bind();
    }
    Params params;
    Columns columns;
    soci::statement statement;
  };

  template <class Params, class Columns>
  KeptStatement<Params, Columns>& prepared(std::string_view sql) {
    using K = KeptStatement<Params, Columns>;
    // SQLite binds NULL to what is not given, and an UPDATE ... WHERE id = NULL quietly changes nothing.
    if (static_cast<size_t>(std::count(sql.begin(), sql.end(), '?')) != std::tuple_size_v<Params>)
      throw Error(Code::internal, "store: wrong number of parameters for: " + std::string(sql));
    if (const auto it = kept_.find(sql); it != kept_.end()) {
      if (auto* k = dynamic_cast<K*>(it->second.get())) return *k;
      kept_.erase(it);  // the same text with other types: prepare anew
    }
    std::unique_ptr<K> k;
    auto text = std::string(sql);
    guarded(sql, [&] { k = std::make_unique<K>(sql_, text); });
    auto& ref = *k;
    kept_.emplace(std::move(text), std::move(k));
    return ref;
  }
  // Runs f; on an exception forgets the statement (it may be half-read) and translates SOCI's errors.
  void guarded(std::string_view sql, const std::function<void()>& f);

  soci::session sql_;
  std::map<std::string, std::unique_ptr<Kept>, std::less<>> kept_;  // by text
};

}  // namespace vbs::store
