// A service that is a list of scripted answers, taken in order, and keeps what it was asked. It is no HTTP and no VBS:
// it only shows what the command line does with each answer. tests/cli/test_https.cpp goes through real HTTPS.
#pragma once
#include <gtest/gtest.h>

#include <deque>
#include <sstream>

#include "apps/vbs/cli.hpp"

namespace vbs::test {

struct Asked {
  std::string method, target, body;
  http::Fields headers;
  std::string header(const char* name) const { return std::string(http::find_field(headers, name).value_or("")); }
};

struct Script {
  struct Step {
    int status;
    std::string body;
    std::optional<Error> error;
  };
  std::deque<Step> steps;
  std::vector<Asked> asked;
  void answer(int status, std::string body) { steps.push_back({status, std::move(body), std::nullopt}); }
  void fail(Code code, const std::string& message) { steps.push_back({0, {}, Error(code, message)}); }
};

class ScriptedTransport : public cli::Transport {
 public:
  explicit ScriptedTransport(Script& script) : script_(script) {}
  http::ClientResponse request(const std::string& method, const std::string& target, const std::string& body,
                               const http::Fields& headers) override {
    script_.asked.push_back({method, target, body, headers});
    if (script_.steps.empty()) throw Error(Code::internal, "the script has no answer for " + method + " " + target);
    const auto step = script_.steps.front();
    script_.steps.pop_front();
    if (step.error) throw *step.error;
    return {.status = step.status, .body = step.body, .headers = {}};
  }

 private:
  Script& script_;
};

struct CommandTest : testing::Test {
  Script script;
  std::string out, err;
  bool terminal = false;
  std::map<std::string, std::string> environment{{"VBS_URL", "http://127.0.0.1:1"}};  // plain: no files are looked for

  // Exit code of `vbs ARGUMENTS...`.
  int vbs(std::vector<std::string> arguments) {
    std::ostringstream o, e;
    const int code = cli::run(
        std::move(arguments), {o, e, terminal},
        [this](const char* name) -> std::optional<std::string> {
          const auto it = environment.find(name);
          return it == environment.end() ? std::nullopt : std::optional(it->second);
        },
        [this](const cli::Settings&) { return std::make_unique<ScriptedTransport>(script); });
    out = o.str();
    err = e.str();
    return code;
  }
  bool err_has(const std::string& text) const { return err.find(text) != std::string::npos; }
  bool out_has(const std::string& text) const { return out.find(text) != std::string::npos; }
};

constexpr const char* kVolumeId = "3f2a0000-0000-4000-8000-000000000001";
constexpr const char* kOtherId = "3f2b0000-0000-4000-8000-000000000002";
constexpr const char* kOperationId = "8c010000-0000-4000-8000-000000000003";

inline std::string volume_json(const std::string& id, const std::string& name, const std::string& more = {}) {
  return R"({"id":")" + id + R"(","name":")" + name +
         R"(","comment":"","size_bytes":10737418240,"state":"available","backend":"lustre","format":"raw",)"
         R"("owner":"CN=alice,O=VBS","project_id":"p1","access":"owner","metadata":{},)"
         R"("created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z","attachments":[])" +
         more + "}";
}
inline std::string operation_json(const std::string& state, const std::string& more = {}) {
  return std::string(R"({"id":")") + kOperationId + R"(","kind":"create-volume","state":")" + state +
         R"(","step":"allocate","object_kind":"volume","object_id":")" + kVolumeId +
         R"(","user":"CN=alice,O=VBS","attempt":1,"progress":{"done_bytes":1048576,"total_bytes":4194304},)"
         R"("created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z")" +
         more + "}";
}
inline std::string in(const char* name, const std::string& value) {
  return std::string("{\"") + name + "\":" + value + "}";
}
inline std::string list_of(const char* name, const std::vector<std::string>& items, const std::string& next = {}) {
  std::string all;
  for (const auto& item : items) all += (all.empty() ? "" : ",") + item;
  return std::string("{\"") + name + "\":[" + all + "]" + (next.empty() ? "" : ",\"next\":\"" + next + "\"") + "}";
}
inline std::string error_json(const std::string& code, const std::string& message) {
  return R"({"error":{"code":")" + code + R"(","message":")" + message + R"(","request_id":"req-1"}})";
}

}  // namespace vbs::test
