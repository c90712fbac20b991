// Copies of a store that may be in use: for `vbs store backup`, and before a migration.
#pragma once
#include <cstdint>
#include <string>

namespace vbs::store {

// Copies the store in the file `from` to the new file `to`, as of one moment, without holding up its writer; answers
// the copy's size in bytes. The copy is checked (SQLite's quick_check), mode 0600, one file without a log beside it,
// and durable (file, then directory) before it has its name: a `to` that exists is whole.
//
// Threading: any thread; takes as long as the disk needs. Errors: Error(conflict) if `to` exists and `replace` is not
// set, Error(unavailable) where it cannot be written; what was begun is removed.
uint64_t copy_store(const std::string& from, const std::string& to, bool replace = false);

}  // namespace vbs::store
