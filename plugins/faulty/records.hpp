// SPDX-License-Identifier: MIT
//
// What the plugin remembers: one small JSON file for each thing, in a directory for each type, read once and kept in
// memory. A file is written beside its place and renamed into it, so a SIGKILL leaves the old or the new one; nothing
// is synced, a power cut may take all of it.
//
// Threading: the owner locks. Errors: plugin::Error(VBS_UNAVAILABLE) where the directory cannot be read or written.
#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "vbs/plugin/plugin.hpp"

namespace vbs::faulty {

using Fields = std::map<std::string, std::string>;  // of one record; values are text

struct Object {  // a volume or a snapshot
  bool snapshot = false;
  uint64_t size_bytes = 0;
  std::string layer;  // its top one
  std::string facts;
  Fields fields() const;
  explicit Object(const Fields& f);
  Object() = default;
};

struct Layer {
  std::string owner, made_for;  // object ids; they differ where a snapshot or clone moved its source
  std::string parent;           // another layer, or empty
  std::string former;           // where its owner goes back to if it was never published; empty: the parent
  Fields fields() const;
  explicit Layer(const Fields& f);
  Layer() = default;
};

struct Export {
  std::string volume, host;
  bool read_only = true;
  Fields fields() const;
  explicit Export(const Fields& f);
  Export() = default;
};

struct Plug {  // a disk of a VM
  std::string vm_uuid, serial, device, path;
  bool read_only = true;
  uint64_t size_bytes = 0;
  Fields fields() const;
  explicit Plug(const Fields& f);
  Plug() = default;
};

// Files with `fields` in `directory`, which is made if it is not there.
std::map<std::string, Fields> read_records(const plugin::Host& host, const std::string& directory);
void write_record(const std::string& directory, const std::string& name, const Fields& fields);
void remove_file(const std::string& path);  // one that is gone is no error
void write_file(const std::string& path, const std::string& text);
std::string read_file(const std::string& path);  // empty: not there

// All records of one type by name. Names are UUIDs and numbers joined by dots, so they are good file names.
template <class T>
class Records {
 public:
  Records(const plugin::Host& host, std::string directory) : directory_(std::move(directory)) {
    for (const auto& [name, fields] : read_records(host, directory_)) all_.emplace(name, T(fields));
  }
  void put(const std::string& name, const T& value) {
    write_record(directory_, name, value.fields());
    all_[name] = value;
  }
  void erase(const std::string& name) {
    remove_file(directory_ + "/" + name + ".json");
    all_.erase(name);
  }
  const T* find(const std::string& name) const {
    const auto it = all_.find(name);
    return it == all_.end() ? nullptr : &it->second;
  }
  const std::map<std::string, T>& all() const { return all_; }

 private:
  std::string directory_;
  std::map<std::string, T> all_;
};

// Everything behind one directory.
struct State {
  State(const plugin::Host& host, const std::string& directory);
  const std::string disks;  // a sparse file for each layer: what an export names
  Records<Object> objects;
  Records<Layer> layers;
  Records<Export> exports;
  Records<Plug> plugs;  // by VM and serial

  void add_layer(const std::string& name, const Layer& layer);
  void drop_layer(const std::string& name);
};

}  // namespace vbs::faulty
