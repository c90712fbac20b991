#include "adapters/vbs/requests.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <atomic>
#include <charconv>

#include "core/base/log.hpp"

namespace vbs::native {
namespace {
constexpr uint64_t kLongestWait = 60;  // seconds

// Of what makes two requests the same: method, path and body.
std::string request_hash(const http::Request& r) {
  const std::string text = r.method + "\n" + r.path + "\n" + r.body;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int n = 0;
  EVP_Digest(text.data(), text.size(), digest, &n, EVP_sha256(), nullptr);
  std::string out;
  for (unsigned i = 0; i < n; ++i) out += fmt::format("{:02x}", digest[i]);
  return out;
}

uint64_t parse_number(std::string_view text, const std::string& name, uint64_t min, uint64_t max,
                      const std::string& field) {
  uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size() || n < min || n > max)
    throw Error(Code::invalid, fmt::format("'{}' must be a whole number from {} to {}", name, min, max), field);
  return n;
}

std::chrono::seconds wanted_wait(const http::Request& r) {
  const auto prefer = r.header("Prefer");
  if (!prefer) return std::chrono::seconds(0);
  const auto at = prefer->find("wait=");
  if (at == std::string_view::npos) return std::chrono::seconds(0);  // RFC 7240: what is not known is ignored
  auto value = prefer->substr(at + 5);
  value = value.substr(0, value.find_first_of(",; "));
  return std::chrono::seconds(parse_number(value, "Prefer: wait", 0, kLongestWait, "Prefer"));
}
}  // namespace

void Context::route(const std::string& method, const std::string& pattern, Route handler,
                    std::set<std::string> query) const {
  server.route(method, pattern,
               [&core_ = core, handler = std::move(handler), query = std::move(query)](const http::Request& r,
                                                                                       http::Reply reply) {
                 const auto caller = caller_of(core_, r);
                 check_query(r, query);
                 wanted_wait(r);
                 handler(caller, r, std::move(reply));
               });
}

Caller caller_of(Core& core, const http::Request& r) {
  if (!r.peer.certificate)
    throw Error(Code::unauthenticated,
                "a client certificate is needed: vbs ca sign makes one, --cert and --key name it");
  Caller c;
  c.who = core.directory.from_certificate(r.peer.certificate->subject, r.peer.certificate->issuer,
                                          r.peer.certificate->uri_sans);
  c.request_id = r.request_id;
  if (const auto token = r.header("Idempotency-Key")) {
    if (token->empty() || token->size() > 255)
      throw Error(Code::invalid, "'Idempotency-Key' must have 1 to 255 bytes", "Idempotency-Key");
    c.token = *token;
    c.request_hash = request_hash(r);
  }
  return c;
}

rapidjson::Document body_of(const http::Request& r) { return parse_json(r.body); }

void check_query(const http::Request& r, const std::set<std::string>& known) {
  for (const auto& [name, value] : r.query)
    if (!known.count(name))
      throw Error(Code::invalid, fmt::format("'{}' is not a query parameter of this request", for_log(name, 64)), name);
}

std::string text_query(const http::Request& r, const char* name, size_t max_bytes) {
  const auto v = r.query_value(name);
  if (!v) return "";
  check_text(*v, name, max_bytes);
  return std::string(*v);
}

uint64_t number_query(const http::Request& r, const char* name, uint64_t fallback, uint64_t min, uint64_t max) {
  const auto v = r.query_value(name);
  return v ? parse_number(*v, name, min, max, name) : fallback;
}

bool flag_query(const http::Request& r, const char* name) {
  const auto v = r.query_value(name);
  if (!v || *v == "false") return false;
  if (*v == "true") return true;
  throw Error(Code::invalid, fmt::format("'{}' must be true or false", name), name);
}

std::set<std::string> with(std::set<std::string> set, const std::set<std::string>& more) {
  set.insert(more.begin(), more.end());
  return set;
}

Page page_of(const http::Request& r) {
  Page p;
  for (const auto& [name, value] : r.query) {
    if (name != "id") continue;
    check_text(value, "id", 36);
    p.filter.ids.push_back(value);
  }
  if (p.filter.ids.size() > 500) throw Error(Code::invalid, "'id' is given more than 500 times", "id");
  p.filter.name = text_query(r, "name");
  p.filter.lifecycle = text_query(r, "state");
  if (!p.filter.lifecycle.empty() &&
      !std::set<std::string>{"pending", "available", "deleting", "failed"}.count(p.filter.lifecycle))
    throw Error(Code::invalid, "'state' must be pending, available, deleting or failed", "state");
  p.filter.limit = number_query(r, "limit", 1000, 1, 1000);
  p.marker = text_query(r, "marker", 36);
  p.all_projects = flag_query(r, "all_projects");
  return p;
}

std::string metadata_of(ObjectReader& reader) {
  const auto map = reader.optional_map("metadata", 64, 255);
  if (!map) return "{}";
  JsonBuffer b;
  JsonWriter w(b);
  w.StartObject();
  for (const auto& [k, v] : *map) {
    key(w, k);
    put(w, v);
  }
  w.EndObject();
  return {b.GetString(), b.GetSize()};
}

NewVolume new_volume(const http::Request& r) {
  const auto document = body_of(r);
  ObjectReader reader(document);
  NewVolume v;
  v.name = reader.optional_string("name", 255).value_or("");
  v.comment = reader.optional_string("comment", 255).value_or("");
  v.size_bytes = reader.optional_u64("size_bytes", kSizeStep, kMaxVolumeBytes);
  v.snapshot_id = reader.optional_string("snapshot_id", 36).value_or("");
  v.volume_id = reader.optional_string("volume_id", 36).value_or("");
  v.backend = reader.optional_string("backend", 255).value_or("");
  v.metadata = metadata_of(reader);
  reader.finish();
  return v;
}

Changes changes_of(const http::Request& r) {
  const auto document = body_of(r);
  ObjectReader reader(document);
  Changes c;
  c.name = reader.optional_string("name", 255);
  c.comment = reader.optional_string("comment", 255);
  const auto metadata = metadata_of(reader);
  // null counts as absent, as with every field: it stays.
  if (const auto m = document.FindMember("metadata"); m != document.MemberEnd() && !m->value.IsNull())
    c.metadata = metadata;
  reader.finish();
  return c;
}

http::Response json(int status, const JsonBuffer& b) {
  http::Response r;
  r.status = status;
  r.body.assign(b.GetString(), b.GetSize());
  return r;
}

void answer_when_ended(const Context& context, const http::Request& request, const std::vector<Admitted>& admitted,
                       http::Reply reply, std::function<http::Response(const Operations&)> make) {
  const auto wait = wanted_wait(request);
  if (wait.count() == 0 || admitted.empty()) {
    Operations rows;
    context.core.database.read([&](store::Session& db) {
      for (const auto& a : admitted) {
        auto row = store::find_operation(db, a.operation_id);
        if (!row) throw Error(Code::not_found, "there is no operation " + a.operation_id);
        rows.push_back(std::move(*row));
      }
    });
    return reply(make(rows));
  }
  // The last one to end answers, on a thread of ours: the engine's callbacks must be quick.
  struct Pending {
    std::atomic<size_t> left;
    Operations rows;
    http::Reply reply;
    std::function<http::Response(const Operations&)> make;
    std::string request_id;
  };
  auto pending = std::make_shared<Pending>();
  pending->left = admitted.size();
  pending->rows.resize(admitted.size());
  pending->reply = std::move(reply);
  pending->make = std::move(make);
  pending->request_id = request.request_id;
  for (size_t i = 0; i < admitted.size(); ++i)
    context.core.engine.on_end(
        admitted[i].operation_id, wait, [pending, i, pool = context.waiters](const store::OperationRow& row) {
          pending->rows[i] = row;
          if (--pending->left > 0) return;
          WorkerPool::Task answer = [pending] {
            try {
              pending->reply(pending->make(pending->rows));
            } catch (const Error& e) {
              pending->reply(http::error_response(e, pending->request_id));
            }
          };
          if (!WorkerPool::try_append(answer) && !pool->try_submit(std::move(answer)))
            pending->reply(http::error_response(
                Error(Code::busy, "too many answers are waiting; ask for the operation"), pending->request_id));
        });
}
}  // namespace vbs::native
