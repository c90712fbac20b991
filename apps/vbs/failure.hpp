// How the command line ends. Exit codes are an interface for scripts: documented in vbs(1), never renumbered.
#pragma once
#include <stdexcept>
#include <string>

#include "core/base/error.hpp"

namespace vbs::cli {

enum class Exit {
  ok = 0,
  failed = 1,        // the operation failed
  usage = 2,         // wrong arguments, or refused by the service as such (400)
  unreachable = 3,   // no connection, TLS, or the files for it
  not_allowed = 4,   // 401, 403, or a certificate that the service does not take
  not_found = 5,     // 404, or a name that nothing has
  conflict = 6,      // 409
  unknown = 7,       // ended unknown, or still running after --timeout
  interrupted = 130  // as a shell reports SIGINT
};

// What went wrong and what to do next: "vbs: error: MESSAGE" and "hint: HINT" on standard error.
struct Failure : std::runtime_error {
  Failure(Exit exit_code, const std::string& message, std::string next = {})
      : std::runtime_error(message), exit(exit_code), hint(std::move(next)) {}
  Exit exit;
  std::string hint;  // may be empty
};

// Of an error found on this side (arguments, files), or that ended an operation: the code decides.
Exit exit_of(Code code);

}  // namespace vbs::cli
