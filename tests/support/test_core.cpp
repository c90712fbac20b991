#include "tests/support/test_core.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "vbs/plugin/storage.h"

namespace vbs::test {
using std::chrono::milliseconds;

EngineOptions quick() {
  EngineOptions o;
  o.lock_wait = milliseconds(20000);
  o.call_deadline = milliseconds(20000);
  o.patience = milliseconds(200);
  o.first_pause = milliseconds(2);
  o.longest_pause = milliseconds(20);
  return o;
}

Config test_config(const std::string& data_dir, bool second_host) {
  Config c;
  c.data_dir = data_dir;
  c.operators = {"CN=root,O=VBS"};
  BackendConfig backend;
  backend.name = "fast";
  backend.plugin = "fake";
  c.backends = {backend};
  HostConfig host;
  host.name = host.hypervisor = "node1";
  host.initiator = "iqn.2026-01.org.example:node1";
  c.hosts = {host};
  if (second_host) {
    host.name = host.hypervisor = "node2";
    host.initiator = "iqn.2026-01.org.example:node2";
    c.hosts.push_back(host);
  }
  return c;
}

TestCore::TestCore(FakeWorld& world, const std::string& data_dir, EngineOptions options)
    : TestCore(world, test_config(data_dir), options) {}

TestCore::TestCore(const Config& config, const PluginHostOptions& plugins, EngineOptions options)
    : core_(std::make_unique<Core>(config, plugins, options)) {
  core_->start();
}

TestCore::TestCore(FakeWorld& world, const Config& config, EngineOptions options) : source_(std::in_place, world) {
  world.connection_path = config.data_dir + "/disk";  // the file connector looks whether it is there
  std::ofstream(world.connection_path) << "x";
  core_ = std::make_unique<Core>(config, PluginHostOptions{}, options, &*source_);
  core_->start();
  const auto id = [](char n) { return std::string(8, n) + "-1111-4111-8111-111111111111"; };
  const auto owner_of = [&](const std::string& name) { return caller(name, {}, {}).who.user_id; };
  const auto alice_id = owner_of("alice"), bob_id = owner_of("bob");
  const auto host_id = core_->registry.hosts().empty() ? "" : core_->registry.hosts().front()->row.id;
  if (host_id.empty()) return;
  core_->database.writer().transact([&](store::Tx& tx) {
    store::set_vm_owner(tx, host_id, id('1'), alice_id);
    store::set_vm_owner(tx, host_id, id('2'), bob_id);
  });
}

Caller TestCore::caller(const std::string& name, const std::string& token, const std::string& hash) {
  Caller c;
  c.who = core_->directory.from_certificate("CN=" + name + ",O=VBS", "CN=CA,O=VBS", {});
  c.request_id = "req-" + name;
  c.token = token;
  if (!token.empty()) c.request_hash = hash;
  return c;
}

store::OperationRow TestCore::ended(const std::string& operation_id) {
  struct Answer {
    std::mutex mutex;
    std::condition_variable came;
    std::optional<store::OperationRow> row;
  };
  auto answer = std::make_shared<Answer>();
  core_->engine.on_end(operation_id, milliseconds(30000), [answer](const store::OperationRow& row) {
    const std::lock_guard lock(answer->mutex);
    answer->row = row;
    answer->came.notify_all();
  });
  std::unique_lock lock(answer->mutex);
  answer->came.wait_for(lock, milliseconds(40000), [&] { return answer->row.has_value(); });
  if (!answer->row) {
    ADD_FAILURE() << "nobody told the end of operation " << operation_id;
    return {};
  }
  if (answer->row->state != state::done && answer->row->state != state::failed)
    ADD_FAILURE() << answer->row->kind << " did not end: " << answer->row->state << " at " << answer->row->step_name
                  << ", " << answer->row->waits_for;
  return *answer->row;
}

bool TestCore::until(const std::function<bool()>& condition) {
  for (int i = 0; i < 10000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return condition();
}

bool TestCore::until_state(const std::string& operation_id, const std::string& wanted) {
  return until([&] {
    const auto o = operation(operation_id);
    return o && o->state == wanted;
  });
}

void TestCore::settle() {
  const auto live = [&] { return core_->database.read([](store::Session& db) { return store::live_operations(db); }); };
  if (until([&] { return live().empty(); })) return;
  for (const auto& o : live())
    ADD_FAILURE() << o.kind << " is still " << o.state << " at " << o.step_name << ": " << o.waits_for;
}

std::string TestCore::volume(uint64_t size_bytes) {
  NewVolume wanted;
  wanted.name = "v";
  wanted.size_bytes = size_bytes;
  const auto admitted = create_volume(*core_, alice(), wanted);
  EXPECT_EQ(ended(admitted).state, state::done);
  return admitted.object_id;
}

std::string TestCore::snapshot(const std::string& volume_id) {
  NewSnapshot wanted;
  wanted.volume_id = volume_id;
  const auto admitted = create_snapshot(*core_, alice(), wanted);
  const auto o = ended(admitted);
  EXPECT_EQ(o.state, state::done) << o.error_message;
  return admitted.object_id;
}

std::string TestCore::attach(const std::string& volume_id, Mode mode, const std::string& vm) {
  const auto admitted = attach_volume(*core_, root(), volume_id, {"node1", vm, "", mode});
  const auto o = ended(admitted);
  EXPECT_EQ(o.state, state::done) << o.error_message;
  return admitted.object_id;
}

store::VolumeRow TestCore::row(const std::string& volume_id) {
  const auto v = core_->database.read([&](store::Session& db) { return store::find_volume(db, volume_id); });
  if (!v) ADD_FAILURE() << "volume " << volume_id << " has left the store";
  return v.value_or(store::VolumeRow{});
}

std::optional<store::OperationRow> TestCore::operation(const std::string& id) {
  return core_->database.read([&](store::Session& db) { return store::find_operation(db, id); });
}

std::vector<std::string> TestCore::differences(const FakeWorld& world) {
  const auto disk = world.disk();
  std::vector<std::string> out;
  std::set<std::string> objects, files, exports;
  std::set<std::pair<std::string, std::string>> plugged;
  core_->database.snapshot([&](store::Session& db) {
    const auto compare = [&](const store::ObjectRow& r) {
      if (r.lifecycle != "available" && r.lifecycle != "failed") out.push_back(r.id + " is " + r.lifecycle);
      if (!r.operation_id.empty()) out.push_back(r.id + " still names an operation");
      if (r.refs.empty()) return;  // never published: nothing of it may be there
      objects.insert(r.id);
      const auto there = disk.objects.find(r.id);
      if (there == disk.objects.end())
        out.push_back(r.id + " is not on the back-end");
      else if (there->second.size_bytes != static_cast<uint64_t>(r.size_bytes))
        out.push_back(r.id + " has another size there");
      if (r.layer != r.refs) out.push_back(r.id + " stands on layer " + r.layer + " with refs " + r.refs);
      if (!disk.files.count(r.refs)) out.push_back(r.id + " lacks its file " + r.refs);
    };
    for (const auto& v : store::list_volumes(db, {})) compare(v);
    for (const auto& s : store::list_snapshots(db, {})) compare(s);
    db.each<std::string, std::string>("SELECT name, parent FROM layers",
                                      [&](const std::string& n, const std::string& p) {
                                        files.insert(n);
                                        const auto f = disk.files.find(n);
                                        if (f == disk.files.end())
                                          out.push_back("layer " + n + " has no file");
                                        else if (f->second.parent != p)
                                          out.push_back("layer " + n + " has another parent");
                                        if (!p.empty() && !disk.files.count(p))
                                          out.push_back("layer " + n + " lost its parent " + p);
                                      });
    db.each<std::string, std::string>("SELECT id, mode FROM exports",
                                      [&](const std::string& id, const std::string& mode) {
                                        exports.insert(id);
                                        const auto e = disk.exports.find(id);
                                        if (e == disk.exports.end() || to_string(e->second.mode) != mode)
                                          out.push_back("export " + id + " differs");
                                      });
    for (const auto& a : store::list_attachments(db, {})) {
      if (a.state != "attached") out.push_back("attachment " + a.id + " is " + a.state);
      if (!a.operation_id.empty()) out.push_back("attachment " + a.id + " still names an operation");
      if (!exports.count(a.export_id)) out.push_back("attachment " + a.id + " has no export");
      plugged.insert({a.vm_uuid, a.volume_id});
      const auto d = disk.plugged.find({a.vm_uuid, a.volume_id});
      if (d == disk.plugged.end() || to_string(d->second.mode) != a.mode || d->second.device != a.device)
        out.push_back("attachment " + a.id + " differs from the VM's disk");
      const auto v = store::find_volume(db, a.volume_id);
      if (a.mode == "rw" && (world.capabilities & VBS_CAP_REFLINK) == 0 && d != disk.plugged.end() &&
          !d->second.path.ends_with("/disk." + v->refs))
        out.push_back("VM writes to " + d->second.path + " instead of " + v->refs);
    }
  });
  for (const auto& [id, vm] : disk.vms)
    if (vm.frozen) out.push_back("VM " + vm.name + " is frozen");
  for (const auto& [id, o] : disk.objects)
    if (!objects.count(id)) out.push_back("the back-end has " + id + ", which the store does not");
  for (const auto& [name, f] : disk.files)
    if (!files.count(name)) out.push_back("file " + name + " is left over");
  for (const auto& [id, e] : disk.exports)
    if (!exports.count(id)) out.push_back("export " + id + " is left over");
  for (const auto& [key, d] : disk.plugged)
    if (!plugged.count(key)) out.push_back("VM " + key.first + " has a disk without attachment");
  return out;
}

Error error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(Code::internal, "nothing was thrown");
}
}  // namespace vbs::test
