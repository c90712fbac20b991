#include "apps/vbs/failure.hpp"

namespace vbs::cli {

Exit exit_of(Code code) {
  switch (code) {
    case Code::invalid:
    case Code::too_large:
    case Code::not_supported:
      return Exit::usage;
    case Code::unauthenticated:
    case Code::forbidden:
      return Exit::not_allowed;
    case Code::not_found:
      return Exit::not_found;
    case Code::conflict:
      return Exit::conflict;
    case Code::unknown_outcome:
      return Exit::unknown;
    case Code::no_space:
    case Code::unavailable:
    case Code::cancelled:
    case Code::busy:
    case Code::internal:
      return Exit::failed;
  }
  return Exit::failed;
}

}  // namespace vbs::cli
