// A plugin with one fault at its entry, chosen by a definition.
#include <cstddef>
#include <cstdlib>
#include <stdexcept>

#include "vbs/plugin/storage.h"

namespace {
[[maybe_unused]] vbs_status open_instance(const vbs_host*, vbs_call*, vbs_str, vbs_str, void**) {
#ifdef OPEN_THROWS
  throw std::runtime_error("thrown by a constructor");
#endif
  return VBS_INTERNAL;
}
[[maybe_unused]] void close_instance(void*) {}
[[maybe_unused]] vbs_str text(const char* s) { return {s, __builtin_strlen(s)}; }

#ifdef THROWS_EARLY
const int kThrow = [] {
  throw std::runtime_error("thrown by a constructor");
  return 0;
}();
#endif
#ifdef CRASHES_EARLY
// What runs before any check can.
const int kCrash = [] {
  std::abort();
  return 0;
}();
#endif
}  // namespace

#ifdef UNDEFINED_SYMBOL
extern "C" void vbs_test_symbol_that_nobody_defines();
#endif

#ifdef NO_ENTRY
extern "C" int some_other_function() { return 0; }
#else
extern "C" const vbs_plugin* vbs_plugin_entry(const vbs_host* host, const vbs_versions*) {
  static vbs_storage_table table{};
  static vbs_plugin plugin{};
  table.size = sizeof table;
  table.open = open_instance;
  table.close = close_instance;
  plugin.size = sizeof plugin;
  plugin.magic = VBS_PLUGIN_MAGIC;
  plugin.name = text(PLUGIN_NAME);
  plugin.version = text("1.0");
  plugin.storage = &table;
  (void)host;
#if defined(WRONG_MAGIC)
  plugin.magic = 0x12345678;
#elif defined(TOO_NEW)
  plugin.storage_version = 7;
#elif defined(SHORT_DESCRIPTOR)
  plugin.size = 8;
#elif defined(SHORT_TABLE)
  table.size = offsetof(vbs_storage_table, close);
#elif defined(NO_OPEN)
  table.open = nullptr;
#elif defined(ENTRY_NULL)
  host->log(host, VBS_LOG_ERROR, text("the moon is not full"));
  return nullptr;
#elif defined(ENTRY_THROWS)
  throw std::runtime_error("thrown at the entry");
#elif defined(UNDEFINED_SYMBOL)
  vbs_test_symbol_that_nobody_defines();
#elif defined(OTHER_NAME)
  plugin.name = text("somebody_else");
#elif defined(OTHER_VERSION)
  plugin.version = text("2.0");
#elif defined(NO_TABLE)
  plugin.storage = nullptr;
#elif defined(CRASHES)
  std::abort();
#endif
  return &plugin;
}
#endif
