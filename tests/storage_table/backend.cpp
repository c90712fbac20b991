// SPDX-License-Identifier: MIT
#include "tests/storage_table/backend.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <stdexcept>

namespace vbs::test {
namespace {
void must(const CommandOutcome& r, const std::string& what) {
  if (r.exit_status == 127) throw std::runtime_error(what + " is absent: install the Debian package qemu-utils");
  if (r.exit_status != 0) throw std::runtime_error(what + ": " + r.err + r.out);
}
}  // namespace

std::string plugin_file(const std::string& ending) {
  const char* dir = std::getenv("VBS_BUILD_DIR");
  return std::string(dir ? dir : ".") + "/plugins/" + plugin_name() + ending;
}

std::string uuid(int n) {
  char text[37];
  snprintf(text, sizeof text, "5e570000-0000-4000-8000-%012x", static_cast<unsigned>(n));
  return text;
}

Backend::Backend(const std::string& where, const std::string& method)
    : root(where), config(config_json(where, method)), host(plugin_file(".vbs-plugin.yaml")) {
  const vbs_versions versions{sizeof versions, 0, 0, 0, 0, 0, 0};
  const auto* plugin = plugin_entry()(host.table(), &versions);
  if (!plugin || !plugin->storage) throw std::runtime_error("no storage plugin: " + host.log());
  table_ = plugin->storage;
}

FakeCall& Backend::open(const std::string& backend_id) {
  close();
  std::destroy_at(&opened_);
  std::construct_at(&opened_);
  opened_.status = table_->open(host.table(), opened_.raw(), plugin::str(backend_id), plugin::str(config), &instance_);
  return opened_;
}

void Backend::close() {
  if (instance_) table_->close(instance_);
  instance_ = nullptr;
}

Backend::Made Backend::call(uint64_t epoch, const std::function<vbs_status(vbs_call*)>& f) {
  auto c = std::make_unique<FakeCall>(epoch);
  if (tune) tune(*c);
  c->status = f(c->raw());
  return c;
}

Backend::Made Backend::create(const std::string& id, uint64_t size, uint64_t epoch) {
  return create_from(id, size, 0, "", false, epoch);
}

Backend::Made Backend::create_from(const std::string& id, uint64_t size, uint32_t kind, const std::string& source,
                                   bool in_use, uint64_t epoch) {
  vbs_create_args a{};
  a.size = sizeof a;
  a.source_kind = kind;
  a.id = plugin::str(id);
  a.size_bytes = size;
  a.source_id = plugin::str(source);
  if (const auto known = objects.find(source); known != objects.end()) a.source_refs = plugin::str(known->second.refs);
  a.source_in_use = in_use;
  a.facts = plugin::str("{\"name\":\"a volume\"}");
  return call(epoch, [&](vbs_call* c) { return table_->create(instance_, c, &a); });
}

Backend::Made Backend::extend(const std::string& id, uint64_t size, bool in_use, uint64_t epoch) {
  const vbs_extend_args a{sizeof a, in_use, plugin::str(id), plugin::str(refs(id)), size};
  return call(epoch, [&](vbs_call* c) { return table_->extend(instance_, c, &a); });
}

Backend::Made Backend::snapshot_call(
    const std::vector<plugin::SnapshotArgs>& group, uint64_t epoch,
    const std::function<vbs_status(vbs_call*, const vbs_snapshot_args*, uint64_t)>& f) {
  std::vector<vbs_snapshot_args> list;
  for (const auto& s : group)
    list.push_back({sizeof(vbs_snapshot_args), s.in_use, plugin::str(s.id), plugin::str(s.volume_id),
                    plugin::str(s.volume_refs), plugin::str(s.facts), plugin::str(s.snapshot_id),
                    plugin::str(s.snapshot_refs)});
  return call(epoch, [&](vbs_call* c) { return f(c, list.data(), list.size()); });
}

Backend::Made Backend::prepare(const std::vector<plugin::SnapshotArgs>& group, uint64_t epoch) {
  return snapshot_call(group, epoch, [&](vbs_call* c, const vbs_snapshot_args* a, uint64_t n) {
    return table_->snapshot_prepare(instance_, c, a, n);
  });
}
Backend::Made Backend::take(const std::vector<plugin::SnapshotArgs>& group, uint64_t epoch) {
  return snapshot_call(group, epoch, [&](vbs_call* c, const vbs_snapshot_args* a, uint64_t n) {
    return table_->snapshot_take(instance_, c, a, n);
  });
}
Backend::Made Backend::finish(const std::vector<plugin::SnapshotArgs>& group, bool commit, uint64_t epoch) {
  return snapshot_call(group, epoch, [&](vbs_call* c, const vbs_snapshot_args* a, uint64_t n) {
    return table_->snapshot_finish(instance_, c, a, n, commit);
  });
}
Backend::Made Backend::revert(const std::string& id, const std::string& volume, const std::string& snapshot,
                              uint64_t epoch) {
  const plugin::SnapshotArgs args{id, volume, refs(volume), false, "", snapshot, refs(snapshot)};
  return snapshot_call({args}, epoch, [&](vbs_call* c, const vbs_snapshot_args* a, uint64_t) {
    return table_->revert(instance_, c, a);
  });
}

Backend::Made Backend::flatten(const std::string& id, const std::string& volume, bool in_use, uint64_t epoch) {
  const vbs_flatten_args a{sizeof a, in_use, plugin::str(id), plugin::str(volume), plugin::str(refs(volume))};
  return call(epoch, [&](vbs_call* c) { return table_->flatten(instance_, c, &a); });
}

Backend::Made Backend::remove_raw(uint32_t kind, const std::string& id, const std::string& object_refs,
                                  const std::vector<std::string>& names) {
  std::vector<vbs_str> list;
  for (const auto& name : names) list.push_back(plugin::str(name));
  const vbs_remove_args a{sizeof a, kind, plugin::str(id), plugin::str(object_refs), list.data(), list.size()};
  return call(1, [&](vbs_call* c) { return table_->remove(instance_, c, &a); });
}

Backend::Made Backend::list() {
  return call(1, [&](vbs_call* c) { return table_->list(instance_, c); });
}
Backend::Made Backend::inspect(uint32_t kind, const std::string& id, const std::string& object_refs) {
  return call(
      1, [&](vbs_call* c) { return table_->inspect(instance_, c, kind, plugin::str(id), plugin::str(object_refs)); });
}
Backend::Made Backend::discard(const std::string& name) {
  return call(1, [&](vbs_call* c) { return table_->discard(instance_, c, plugin::str(name)); });
}
Backend::Made Backend::capacity() {
  return call(1, [&](vbs_call* c) { return table_->capacity(instance_, c); });
}
Backend::Made Backend::export_volume(const std::string& id, bool read_only) {
  const auto export_id = uuid(999);
  const vbs_export_args a{sizeof a,
                          read_only ? VBS_MODE_RO : VBS_MODE_RW,
                          plugin::str(export_id),
                          plugin::str(id),
                          plugin::str(refs(id)),
                          plugin::str("node1"),
                          {},
                          {}};
  return call(1, [&](vbs_call* c) { return table_->export_object(instance_, c, &a); });
}
Backend::Made Backend::open_data(uint32_t kind, const std::string& id, bool read_only) {
  return call(1, [&](vbs_call* c) {
    return table_->open_data(instance_, c, kind, plugin::str(id), plugin::str(refs(id)),
                             read_only ? VBS_MODE_RO : VBS_MODE_RW);
  });
}
Backend::Made Backend::extents(uint32_t kind, const std::string& id) {
  return call(
      1, [&](vbs_call* c) { return table_->extents(instance_, c, kind, plugin::str(id), plugin::str(refs(id)), {}); });
}

void Backend::publish(const FakeCall& call) {
  ASSERT_EQ(call.status, VBS_OK) << call.message;
  for (const auto& layer : call.layers) layers[layer.name] = layer;
  for (const auto& object : call.objects) {
    ASSERT_LE(object.refs.size(), VBS_MAX_REFS_BYTES);
    if (!object.layer.empty()) {
      ASSERT_EQ(layers.count(object.layer), 1u) << object.layer << " was not declared";
    }
    objects[object.id] = object;
  }
}

plugin::SnapshotArgs Backend::snapshot_args(const std::string& id, const std::string& volume, bool in_use) const {
  return {id, volume, refs(volume), in_use, "{\"name\":\"a snapshot\"}"};
}

void Backend::snapshot(const std::string& id, const std::string& volume) {
  const std::vector<plugin::SnapshotArgs> group{snapshot_args(id, volume)};
  const auto prepared = prepare(group);
  ASSERT_EQ(prepared->status, VBS_OK) << prepared->message;
  const auto result = take(group);
  ASSERT_NO_FATAL_FAILURE(publish(*result));
  const auto tidied = finish(group, true);
  ASSERT_EQ(tidied->status, VBS_OK) << tidied->message;
}

void Backend::new_volume(const std::string& id, uint64_t size) { publish(*create(id, size)); }

std::pair<std::string, std::vector<std::string>> Backend::drop(const std::string& id) {
  const auto gone = objects.at(id);
  objects.erase(id);
  return {gone.refs, drop_layers(gone.layer)};
}

std::vector<std::string> Backend::publish_move(const FakeCall& call, const std::string& volume) {
  const auto before = objects.at(volume).layer;
  const auto under = layers.at(before).parent;
  publish(call);
  return drop_layers(objects.at(volume).layer == before ? under : before);
}

std::vector<std::string> Backend::drop_layers(std::string name) {
  std::vector<std::string> dropped;
  while (!name.empty()) {
    const bool used =
        std::any_of(objects.begin(), objects.end(), [&](const auto& o) { return o.second.layer == name; }) ||
        std::any_of(layers.begin(), layers.end(), [&](const auto& l) { return l.second.parent == name; });
    if (used) break;
    const auto parent = layers.at(name).parent;
    layers.erase(name);
    dropped.push_back(name);
    name = parent;
  }
  return dropped;
}

Backend::Made Backend::remove(uint32_t kind, const std::string& id) {
  const auto [refs_before, dropped] = drop(id);
  return remove_raw(kind, id, refs_before, dropped);
}

void Backend::write(const std::string& id, char byte, uint64_t offset, uint64_t length) {
  const auto data = open_data(VBS_KIND_VOLUME, id, false);
  ASSERT_EQ(data->status, VBS_OK) << data->message;
  char command[100];
  snprintf(command, sizeof command, "write -P 0x%02x %llu %llu", static_cast<unsigned char>(byte),
           static_cast<unsigned long long>(offset), static_cast<unsigned long long>(length));
  must(run({"qemu-io", "-f", data->source.format, "-c", command, data->source.path}), "qemu-io");
}

std::string Backend::read(uint32_t kind, const std::string& id, uint64_t offset, uint64_t length) {
  const auto data = open_data(kind, id, true);
  if (data->status != VBS_OK) throw std::runtime_error(data->message);
  const bool is_raw = data->source.format == "raw";
  const auto plain = is_raw ? data->source.path : root + "/plain-copy";
  if (!is_raw)
    must(run({"qemu-img", "convert", "-f", data->source.format, "-O", "raw", data->source.path, plain}), "qemu-img");
  std::ifstream in(plain, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(offset));
  std::string out(length, '\0');
  in.read(out.data(), static_cast<std::streamsize>(length));
  out.resize(static_cast<size_t>(in.gcount()));
  if (!is_raw) unlink(plain.c_str());
  return out;
}

void BackendTest::SetUp() {
  try {
    if (run({"qemu-img", "--version"}).exit_status == 127)
      throw std::runtime_error("qemu-img is absent: install the Debian package qemu-utils");
    root_ = new_directory(GetParam());
  } catch (const std::runtime_error& e) {
    if (std::getenv("CI")) FAIL() << e.what();
    GTEST_SKIP() << e.what();
  }
  b_ = std::make_unique<Backend>(root_, GetParam().method);
  const auto& opened = b_->open();
  ASSERT_EQ(opened.status, VBS_OK) << opened.message;
}

void BackendTest::TearDown() {
  b_.reset();
  if (!root_.empty()) remove_tree(root_);
}

}  // namespace vbs::test
