// Keys and certificates on disk: small files, written whole or not at all.
#pragma once
#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

namespace vbs {

enum class IfExists { refuse, replace };

// A new file of this content: temporary file in the same directory, fsync, link (refuse) or rename (replace), fsync of
// the directory. Nobody ever sees half of it, and a key is never readable by others, not even for a moment. Throws
// Error(conflict) if the file exists, Error(unavailable) with the system's reason otherwise.
void write_file_atomically(const std::filesystem::path& file, std::string_view content, mode_t mode,
                           IfExists if_exists);

// Throws Error(not_found) or Error(unavailable); Error(too_large) over 1 MiB.
std::string read_small_file(const std::filesystem::path& file);

}  // namespace vbs
