// SPDX-License-Identifier: MIT
//
// The few things that one does in configfs: directories that are objects of the kernel, attribute files, and links
// between objects. Virtual, so that a unit test can play the kernel on a plain directory tree. Threading: any thread.
// Errors: throws plugin::Error with path and errno's text; never with the value that was written.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace vbs::lvm {

class ConfigFs {
 public:
  ConfigFs() = default;
  ConfigFs(const ConfigFs&) = delete;
  ConfigFs& operator=(const ConfigFs&) = delete;
  virtual ~ConfigFs() = default;

  virtual void make_dir(const std::string& path);    // fine if it is there
  virtual void remove_dir(const std::string& path);  // fine if it is gone
  virtual void write(const std::string& path, std::string_view value);
  virtual void link(const std::string& to, const std::string& link);  // fine if `link` is there
  virtual void unlink(const std::string& link);                       // fine if it is gone

  bool exists(const std::string& path) const;
  std::string read(const std::string& path) const;  // without the line's end; empty if it is not there
  // Unless it reads so already.
  void set(const std::string& path, std::string_view value);
  // Names, sorted; none if `path` is not there.
  std::vector<std::string> directories(const std::string& path) const;
  std::vector<std::string> links(const std::string& path) const;
};

}  // namespace vbs::lvm
