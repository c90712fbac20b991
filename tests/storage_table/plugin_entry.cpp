// SPDX-License-Identifier: MIT
//
// The plugin as the host gets it: a shared library.
#include <dlfcn.h>

#include <stdexcept>

#include "tests/storage_table/backend.hpp"

namespace vbs::test {
vbs_plugin_entry_fn plugin_entry() {
  // Kept loaded, as the host does: a plugin stays until its process ends.
  static void* library = dlopen(plugin_file(".so").c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw std::runtime_error(dlerror());
  const auto entry = reinterpret_cast<vbs_plugin_entry_fn>(dlsym(library, VBS_PLUGIN_ENTRY));
  if (!entry) throw std::runtime_error("the plugin has no entry");
  return entry;
}
}  // namespace vbs::test
