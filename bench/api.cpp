#include "bench/api.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace vbs::bench {
namespace {
constexpr size_t kIdLength = 36;

[[noreturn]] void unexpected(const Answer& a) {
  throw std::runtime_error(fmt::format("unexpected answer {}: {}", a.status, a.body.substr(0, 1000)));
}
bool says(const Answer& a, std::string_view text) { return a.body.find(text) != std::string_view::npos; }
}  // namespace

void Api::ok(const Answer& a) {
  if (a.status != 200) unexpected(a);
}

void Api::ended_well(const Answer& a) {
  if (a.status != 202 || !says(a, R"("state":"done")")) unexpected(a);
}

std::string Api::available(const Answer& a) {
  ended_well(a);
  const auto at = a.body.find(R"("id":")");  // of the object, which the answer has first
  if (!says(a, R"("state":"available")") || at == std::string_view::npos) unexpected(a);
  return std::string(a.body.substr(at + 6, kIdLength));
}

std::string Api::create_volume(const std::string& backend, uint64_t size_bytes) {
  return available(client_.request(
      "POST", "/v1/volumes",
      fmt::format(R"({{"name":"benchmark","size_bytes":{},"backend":"{}"}})", size_bytes, backend), kWait));
}

std::string Api::create_volume_from(const std::string& snapshot) {
  return available(client_.request("POST", "/v1/volumes", fmt::format(R"({{"snapshot_id":"{}"}})", snapshot), kWait));
}

std::string Api::create_snapshot(const std::string& volume) {
  return available(client_.request("POST", "/v1/snapshots", fmt::format(R"({{"volume_id":"{}"}})", volume), kWait));
}

size_t Api::list_volumes(size_t limit) {
  const auto a = client_.request("GET", "/v1/volumes?limit=" + std::to_string(limit));
  ok(a);
  return a.body.size();
}

void Api::attach(const std::string& volume, const std::string& host, const std::string& vm, const char* mode) {
  ended_well(client_.request("POST", "/v1/volumes/" + volume + "/attach",
                             fmt::format(R"({{"host":"{}","vm":"{}","mode":"{}"}})", host, vm, mode), kWait));
}

void Api::detach(const std::string& volume, const std::string& host, const std::string& vm) {
  ended_well(client_.request("POST", "/v1/volumes/" + volume + "/detach",
                             fmt::format(R"({{"host":"{}","vm":"{}"}})", host, vm), kWait));
}

}  // namespace vbs::bench
