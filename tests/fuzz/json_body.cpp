// A request's body: the parser, and the readers of POST /v1/volumes and PATCH. What parses must come out of the writer
// as as it went in; what a reader takes keeps to its limits.
#include <cstdlib>

#include "adapters/vbs/requests.hpp"
#include "core/base/utf8.hpp"

using namespace vbs;

namespace {
void must(bool condition) {
  if (!condition) std::abort();
}
void check_short_text(const std::string& text, size_t limit) {
  must(text.size() <= limit && is_utf8(text));
  for (const char c : text) must(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}

void check_metadata(const std::string& metadata) {
  const auto document = parse_json(metadata);
  must(document.IsObject() && document.MemberCount() <= 64);
  for (const auto& m : document.GetObject()) must(m.value.IsString());
}

template <class F>
void unless_refused(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    must(e.code() == Code::invalid && *e.what() != '\0');
  }
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  http::Request request;
  request.body.assign(reinterpret_cast<const char*>(data), size);
  unless_refused([&] {
    const auto document = parse_json(request.body);
    parse_json(to_json(document));
  });
  unless_refused([&] {
    const auto wanted = native::new_volume(request);
    check_short_text(wanted.name, 255);
    check_short_text(wanted.comment, 255);
    must(!wanted.size_bytes || (*wanted.size_bytes >= kSizeStep && *wanted.size_bytes <= kMaxVolumeBytes));
    must(wanted.snapshot_id.size() <= 36 && wanted.volume_id.size() <= 36);
    check_metadata(wanted.metadata);
  });
  unless_refused([&] {
    const auto changes = native::changes_of(request);
    if (changes.name) check_short_text(*changes.name, 255);
    if (changes.metadata) check_metadata(*changes.metadata);
  });
  return 0;
}
