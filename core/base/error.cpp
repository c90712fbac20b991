#include "core/base/error.hpp"

#include <array>

namespace vbs {
namespace {
struct Row {
  Code code;
  std::string_view name;
  int http;
};
constexpr std::array<Row, 13> kRows{{{Code::invalid, "invalid", 400},
                                     {Code::unauthenticated, "unauthenticated", 401},
                                     {Code::forbidden, "forbidden", 403},
                                     {Code::not_found, "not_found", 404},
                                     {Code::conflict, "conflict", 409},
                                     {Code::too_large, "too_large", 413},
                                     {Code::not_supported, "not_supported", 400},
                                     {Code::no_space, "no_space", 507},
                                     {Code::unavailable, "unavailable", 503},
                                     {Code::cancelled, "cancelled", 409},
                                     {Code::unknown_outcome, "unknown_outcome", 500},
                                     {Code::busy, "busy", 503},
                                     {Code::internal, "internal", 500}}};
const Row& row(Code code) {
  for (const auto& r : kRows)
    if (r.code == code) return r;
  return kRows.back();
}
}  // namespace

std::string_view to_string(Code code) { return row(code).name; }
int http_status(Code code) { return row(code).http; }
Code code_from_string(std::string_view text) {
  for (const auto& r : kRows)
    if (r.name == text) return r.code;
  return Code::internal;
}
}  // namespace vbs
