// Private to adapters/vbs: from an HTTP request to a Caller and checked values, and from an admitted operation to its
// answer.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "core/base/json.hpp"
#include "core/base/worker_pool.hpp"
#include "core/http/server.hpp"
#include "core/service/volumes.hpp"

namespace vbs::native {

// What every route shares. `waiters` writes the answers that were held back (Prefer: wait).
struct Context {
  http::Server& server;
  Core& core;
  std::shared_ptr<WorkerPool> waiters;

  using Route = std::function<void(const Caller&, const http::Request&, http::Reply)>;
  // Adds a route whose caller must have a certificate. Refuses query parameters other than `query` and a wrong Prefer
  // before the handler runs: after it there would be a change already.
  void route(const std::string& method, const std::string& pattern, Route handler,
             std::set<std::string> query = {}) const;
};

Caller caller_of(Core&, const http::Request&);  // Error(unauthenticated), Error(invalid) for a bad Idempotency-Key

// The body as a document; Error(invalid) when it is missing.
rapidjson::Document body_of(const http::Request&);

// Query parameters: refuses those not in `known`.
void check_query(const http::Request&, const std::set<std::string>& known);
std::string text_query(const http::Request&, const char* name, size_t max_bytes = 255);
uint64_t number_query(const http::Request&, const char* name, uint64_t fallback, uint64_t min, uint64_t max);
bool flag_query(const http::Request&, const char* name);
std::set<std::string> with(std::set<std::string> set, const std::set<std::string>& more);
const std::set<std::string> kPageQuery{"id", "name", "state", "limit", "marker", "all_projects"};
Page page_of(const http::Request&);  // from those

// name, comment, metadata as JSON text.
std::string metadata_of(ObjectReader&);
NewVolume new_volume(const http::Request&);  // of POST /v1/volumes
Changes changes_of(const http::Request&);    // of PATCH

http::Response json(int status, const JsonBuffer&);
// Writes {"KEY": ..., ...} through f.
template <class F>
http::Response object(int status, F&& f) {
  JsonBuffer b;
  JsonWriter w(b);
  w.StartObject();
  f(w);
  w.EndObject();
  return json(status, b);
}

// {"operation": ...}
http::Response operation_only(Core&, int status, const store::OperationRow&);

// Answers with make() at once; or, where the request says `Prefer: wait=N`, when the operations have ended, N seconds
// at most. make() gets their rows as they are then, in the order of `admitted`.
using Operations = std::vector<store::OperationRow>;
void answer_when_ended(const Context&, const http::Request&, const std::vector<Admitted>& admitted, http::Reply,
                       std::function<http::Response(const Operations&)> make);

}  // namespace vbs::native
