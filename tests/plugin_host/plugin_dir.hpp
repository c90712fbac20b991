// A temporary directory that looks like an installed plugin directory, for tests.
#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "core/plugin_host/plugin_host.hpp"

namespace vbs::test {

inline void write_file(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  chmod(path.c_str(), 0644);
}

class TempDir {
 public:
  TempDir() {
    std::string pattern = testing::TempDir() + "vbs-test-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

class PluginDir : public TempDir {
 public:
  static std::string manifest(const std::string& name, const std::string& kind = "storage") {
    return "name: " + name + "\nversion: \"1.0\"\ndescription: a test\nkinds: [" + kind + "]\nabi: {" + kind +
           ": [0, 0]}\n";
  }
  // A test plugin under its own name, with a fitting manifest plus `more`.
  std::string install(const std::string& name, const std::string& more = "", const std::string& kind = "storage") {
    write_file(*this / (name + ".vbs-plugin.yaml"), manifest(name, kind) + more);
    const std::string library = *this / (name + ".so");
    std::filesystem::copy_file(std::string(TEST_PLUGINS "/") + name + ".so", library);
    chmod(library.c_str(), 0755);
    return library;
  }
  std::string install_memory() { return install("memory", kMemoryMore); }
  static constexpr const char* kMemoryMore = R"(config:
  parallel: {type: integer, min: 0, max: 100, default: 0, description: calls at a time}
  away: {type: boolean, default: false}
  broken_facts: {type: boolean, default: false}
  token: {type: string, secret: true}
commands:
  show: {argv: [printf, "%s|", "{value}"], params: [value]}
  fail: {argv: [ls, --, "/nonexistent-{value}"], params: [value]}
  slow: {argv: [sleep, "{value}"], params: [value], timeout_s: 1}
  absent: {argv: [vbs-no-such-program, --, "{value}"], params: [value], package: nowhere-utils}
  hidden: {argv: [ls, --, "/nonexistent-{value}"], params: [{name: value, secret: true}]}
)";

  std::unique_ptr<PluginHost> scan(PluginHostOptions options = {}) {
    options.directories = {path()};
    auto host = std::make_unique<PluginHost>(std::move(options));
    host->scan();
    return host;
  }
  // The one line that says why `name` was not loaded; empty if it was.
  std::string refusal(const std::string& name, PluginHostOptions options = {}) {
    for (const auto& info : scan(std::move(options))->plugins())
      if (info.name == name) return info.refusal;
    return "(not found)";
  }
};

}  // namespace vbs::test
