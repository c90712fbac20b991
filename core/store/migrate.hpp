// Brings the file of a store to the newest schema, or refuses it.
#pragma once
#include <span>
#include <string>

namespace vbs::store {

// `migrations`: the script that leads from version i to i + 1, for each i; the file's version is SQLite's user_version.
// A store that has rows to lose is copied to PATH.before-vN first (N: the version that it becomes), then changed in one
// transaction: after a crash it is of the old version or of the new one. Nobody else may have it open.
// Throws Error(invalid) if the file was written by a newer VBS; what copy_store() and the scripts throw.
void migrate(const std::string& path, std::span<const char* const> migrations);

}  // namespace vbs::store
