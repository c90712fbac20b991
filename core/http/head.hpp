// The strict look at a request's head, before Beast parses it. Beast 1.74 is lenient where two parties can come to read
// the same bytes differently (request smuggling): it unfolds obs-fold, takes lists of equal Content-Lengths and lets an
// unknown Transfer-Encoding pass. Whatever is not plain is refused and the connection closed (RFC 9112, sections 2.2,
// 3.2, 5.1, 5.2 and 6.3). Of the forms of a target only the path is taken, although RFC 9112 3.2.2 wants the absolute
// form accepted, too: no client of an API needs it, and it names the host a second time.
#pragma once
#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

namespace vbs::http {

// A request that gets an error answer from the edge itself; the connection is closed after it.
struct Refusal : std::exception {
  Refusal(int status, std::string code, std::string message)
      : status(status), code(std::move(code)), message(std::move(message)) {}
  const char* what() const noexcept override { return message.c_str(); }
  int status;
  std::string code;
  std::string message;
};

// Bytes of the head up to and with its empty line, or nothing while it is incomplete. `from`: where the last look
// ended. Throws Refusal (400) at the first line feed without its carriage return.
std::optional<size_t> head_length(std::string_view bytes, size_t from);

// The whole head, with its empty line. Throws Refusal.
void check_head(std::string_view head);

bool is_token(std::string_view text);        // RFC 9110 5.6.2: method and field names; not empty
bool is_field_value(std::string_view text);  // no control character but the tab
// What stands between a chunk's size and its line's end (RFC 9112 7.1.1): ignored, but without quotes, in which Beast
// would let a line feed pass that another party takes for the end of the line.
bool is_chunk_extension(std::string_view text);

}  // namespace vbs::http
