// vbsd.yaml: read, or refused in one line with file and reason. What goes to plugins is JSON.
#include "core/service/config.hpp"

#include <cstdlib>
#include <string_view>

#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "tests/fuzz/text_file.hpp"

using namespace vbs;

namespace {
// The plugin host parses it again; duplicate keys, depth and the like are refused there.
void check_settings(const std::string& json) {
  rapidjson::Document d;
  d.Parse(json.data(), json.size());
  if (d.HasParseError() || !d.IsObject()) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static fuzz::TextFile file("vbsd.yaml");
  const auto& path = file.with(data, size);
  try {
    const auto config = load_config(path);
    for (const auto& b : config.backends) check_settings(b.config);
    for (const auto& h : config.hosts) check_settings(h.config);
  } catch (const Error& e) {
    fuzz::must_be_one_line(e.what(), path);
  }
  return 0;
}
