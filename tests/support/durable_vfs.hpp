// SQLite on a disk whose power can be cut: a VFS (sqlite.org/vfs.html) that passes everything on and remembers each
// file's content at its last sync. What was written since is what a power cut takes away.
//
// Threading: any thread.
#pragma once
#include <optional>
#include <string>

namespace vbs::test {

// The default of all connections that are opened from now on. May be called again.
void watch_syncs_of_sqlite();

// nullopt: no sync yet, so a power cut leaves no such file.
std::optional<std::string> durable_content(const std::string& path);

// Counts as synced by somebody else, as a file that a test has put there.
void now_durable(const std::string& path);

}  // namespace vbs::test
