#pragma once
namespace vbs {
inline constexpr const char* kVersion = "0.1.0";  // as project() in CMakeLists.txt says; a test compares the two
}
