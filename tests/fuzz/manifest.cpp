// NAME.vbs-plugin.yaml of a plugin that nobody knows yet: read, or refused in one line with file and reason.
#include <cstdlib>
#include <string_view>

#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/plugin_host/config_schema.hpp"
#include "core/plugin_host/manifest.hpp"
#include "tests/fuzz/text_file.hpp"

using namespace vbs;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static fuzz::TextFile file("sample.vbs-plugin.yaml");
  const auto& path = file.with(data, size);
  try {
    const auto manifest = load_manifest(path);
    if (manifest.name != "sample" || manifest.kinds.empty()) std::abort();
    for (const auto& [name, key] : manifest.config)
      if (key.default_json) parse_json("[" + *key.default_json + "]");
  } catch (const Error& e) {
    fuzz::must_be_one_line(e.what(), path);
  }
  return 0;
}
