// SPDX-License-Identifier: MIT
#include "records.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "vbs/plugin/json.hpp"

namespace vbs::faulty {
namespace {
using plugin::Error;
namespace fs = std::filesystem;

constexpr const char* kKeys[] = {"snapshot", "size_bytes", "layer",   "facts",  "owner",  "made_for", "parent",
                                 "volume",   "host",       "vm_uuid", "serial", "device", "path",     "read_only"};

[[noreturn]] void away(const std::string& what, const std::string& path) {
  throw Error(VBS_UNAVAILABLE, "faulty: " + path + " cannot be " + what + ": " + std::strerror(errno));
}
std::string at(const Fields& f, const char* key) {
  const auto it = f.find(key);
  return it == f.end() ? "" : it->second;
}
uint64_t number(const Fields& f, const char* key) {
  const auto text = at(f, key);
  return text.empty() ? 0 : std::stoull(text);
}
std::string truth(bool value) { return value ? "1" : "0"; }
}  // namespace

Object::Object(const Fields& f)
    : snapshot(at(f, "snapshot") == "1"),
      size_bytes(number(f, "size_bytes")),
      layer(at(f, "layer")),
      facts(at(f, "facts")) {}
Fields Object::fields() const {
  return {
      {"snapshot", truth(snapshot)}, {"size_bytes", std::to_string(size_bytes)}, {"layer", layer}, {"facts", facts}};
}

Layer::Layer(const Fields& f)
    : owner(at(f, "owner")), made_for(at(f, "made_for")), parent(at(f, "parent")), former(at(f, "former")) {}
Fields Layer::fields() const {
  return {{"owner", owner}, {"made_for", made_for}, {"parent", parent}, {"former", former}};
}

Export::Export(const Fields& f) : volume(at(f, "volume")), host(at(f, "host")), read_only(at(f, "read_only") == "1") {}
Fields Export::fields() const { return {{"volume", volume}, {"host", host}, {"read_only", truth(read_only)}}; }

Plug::Plug(const Fields& f)
    : vm_uuid(at(f, "vm_uuid")),
      serial(at(f, "serial")),
      device(at(f, "device")),
      path(at(f, "path")),
      read_only(at(f, "read_only") == "1"),
      size_bytes(number(f, "size_bytes")) {}
Fields Plug::fields() const {
  return {{"vm_uuid", vm_uuid},
          {"serial", serial},
          {"device", device},
          {"path", path},
          {"read_only", truth(read_only)},
          {"size_bytes", std::to_string(size_bytes)}};
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void write_file(const std::string& path, const std::string& text) {
  const auto fresh = path + ".new";
  std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out || std::rename(fresh.c_str(), path.c_str()) != 0) away("written", path);
}

void remove_file(const std::string& path) {
  if (std::remove(path.c_str()) != 0 && errno != ENOENT) away("removed", path);
}

void write_record(const std::string& directory, const std::string& name, const Fields& fields) {
  std::string text;
  for (const auto& [key, value] : fields)
    text += (text.empty() ? "{" : ", ") + plugin::json_quoted(key) + ": " + plugin::json_quoted(value);
  write_file(directory + "/" + name + ".json", text + "}\n");
}

std::map<std::string, Fields> read_records(const plugin::Host& host, const std::string& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  std::map<std::string, Fields> all;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (entry.path().extension() == ".new") {  // a SIGKILL came before its rename
      remove_file(entry.path());
      continue;
    }
    const auto text = read_file(entry.path());
    auto& fields = all[entry.path().stem()];
    for (const auto* key : kKeys)
      if (const auto value = host.json_get(text, std::string("/") + key)) fields[key] = *value;
  }
  if (error) throw Error(VBS_UNAVAILABLE, "faulty: " + directory + " cannot be read: " + error.message());
  return all;
}

State::State(const plugin::Host& host, const std::string& directory)
    : disks(directory + "/disks"),
      objects(host, directory + "/objects"),
      layers(host, directory + "/layers"),
      exports(host, directory + "/exports"),
      plugs(host, directory + "/plugs") {
  std::error_code error;
  fs::create_directories(disks, error);
  for (const auto& entry : fs::directory_iterator(disks, error))
    if (!layers.find(entry.path().filename())) remove_file(entry.path());  // its record had not been written
  if (error) throw Error(VBS_UNAVAILABLE, "faulty: " + disks + " cannot be read: " + error.message());
}

void State::add_layer(const std::string& name, const Layer& layer) {
  if (!std::ofstream(disks + "/" + name)) away("made", disks + "/" + name);
  layers.put(name, layer);
}

void State::drop_layer(const std::string& name) {
  if (!layers.find(name)) return;
  layers.erase(name);
  remove_file(disks + "/" + name);
}

}  // namespace vbs::faulty
