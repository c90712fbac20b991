// Keys and certificates on disk: small files. They are written by durable_file.hpp.
#pragma once
#include <filesystem>
#include <string>

namespace vbs {

// Throws Error(not_found) or Error(unavailable); Error(too_large) over 1 MiB.
std::string read_small_file(const std::filesystem::path& file);

}  // namespace vbs
