// For readers that take a file's path: the input as a file in memory.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>

#include "tests/support/temporary_directory.hpp"

namespace vbs::fuzz {

class TextFile {
 public:
  explicit TextFile(const std::string& name) : path_(directory_ / name) {}
  const std::string& with(const uint8_t* data, size_t size) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc)
        .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
    return path_;
  }

 private:
  test::TemporaryDirectory directory_;
  std::string path_;
};

// What an operator reads: the file first, then what is wrong, in one line.
inline void must_be_one_line(std::string_view message, const std::string& path) {
  const bool controls =
      std::any_of(message.begin(), message.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (message.starts_with(path) && !controls) return;
  std::cerr << "not one line that begins with the file: " << message << std::endl;
  std::abort();
}

}  // namespace vbs::fuzz
