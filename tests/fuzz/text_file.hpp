// For readers that take a file's path: the input as a file in memory.
#pragma once
#include <cstdint>
#include <fstream>
#include <string>

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

}  // namespace vbs::fuzz
