// One error type for the whole of VBS. Functions throw it; the HTTP edge, the engine and the command line each turn it
// into their own words in one place. The message is for the person who has to act: it names the thing, the value and
// the limit, and never carries a secret.
#pragma once
#include <stdexcept>
#include <string>
#include <string_view>

namespace vbs {

enum class Code {
  invalid,          // 400 the request is wrong; `field` says where
  unauthenticated,  // 401 no usable identity
  forbidden,        // 403 known, but may not
  not_found,        // 404 absent, or hidden from this principal
  conflict,         // 409 the state of the object forbids it now
  too_large,        // 413
  not_supported,    // 400 not by this back-end, hypervisor or configuration
  no_space,         // 507
  unavailable,      // 503 something we depend on does not answer
  cancelled,        // 409 on request
  unknown_outcome,  // it may or may not have happened
  busy,             // 503 too much at once; try again
  internal          // 500
};

class Error : public std::runtime_error {
 public:
  Error(Code code, const std::string& message, std::string field = {})
      : std::runtime_error(message), code_(code), field_(std::move(field)) {}
  Code code() const { return code_; }
  const std::string& field() const { return field_; }  // JSON name of the offending field, or empty

 private:
  Code code_;
  std::string field_;
};

std::string_view to_string(Code code);         // "not_found": the `code` of API errors and of the journal
Code code_from_string(std::string_view text);  // unknown text -> Code::internal
int http_status(Code code);

}  // namespace vbs
