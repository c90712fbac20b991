#include "tests/support/fake_plugins.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "vbs/plugin/storage.h"

namespace vbs::test {

FakeWorld::FakeWorld() : capabilities(VBS_CAP_FAST_CLONE | VBS_CAP_REFLINK | VBS_CAP_EXTEND_IN_USE) {
  change([](FakeDisk& d) {
    for (const auto* name : {"vm1", "vm2"}) {
      FakeVm vm;
      vm.name = name;
      vm.uuid = fmt::format("{0}{0}{0}{0}{0}{0}{0}{0}-1111-4111-8111-111111111111", name[2]);
      vm.state = VmState::running;
      vm.persistent = true;
      d.vms[vm.uuid] = vm;
    }
  });
}

// ---- the script -----------------------------------------------------------------------------------------------------

void FakeWorld::fail(FakeFault fault) {
  const std::lock_guard lock(mutex_);
  fault.nth += static_cast<int>(seen_[fault.call]);  // counted from now
  faults_.push_back(std::move(fault));
}

void FakeWorld::clear_faults() {
  const std::lock_guard lock(mutex_);
  faults_.clear();
}

void FakeWorld::hold(const std::string& call) {
  const std::lock_guard lock(mutex_);
  held_.insert(call);
}

void FakeWorld::hang(const std::string& call) {
  const std::lock_guard lock(mutex_);
  held_.insert(call);
  deaf_.insert(call);
}

void FakeWorld::release(const std::string& call) {
  const std::lock_guard lock(mutex_);
  held_.erase(call);
  deaf_.erase(call);
  changed_.notify_all();
}

void FakeWorld::wait_until_held(const std::string& call, size_t callers) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return waiting_[call] >= callers; });
}

void FakeWorld::set_down(bool down) {
  const std::lock_guard lock(mutex_);
  down_ = down;
}

void FakeWorld::watch(std::function<void(const std::string&)> f) {
  const std::lock_guard lock(mutex_);
  watcher_ = std::move(f);
}

std::vector<FakeCall> FakeWorld::calls() const {
  const std::lock_guard lock(mutex_);
  std::vector<FakeCall> out;
  for (const auto& c : calls_)
    if (!c.object.empty()) out.push_back(c);
  return out;
}

std::vector<FakeCall> FakeWorld::calls(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  std::vector<FakeCall> out;
  for (const auto& c : calls_)
    if (c.name == name) out.push_back(c);
  return out;
}

size_t FakeWorld::most_parallel(const std::string& call) const {
  const std::lock_guard lock(mutex_);
  const auto it = most_inside_.find(call);
  return it == most_inside_.end() ? 0 : it->second;
}

FakeDisk FakeWorld::disk() const {
  const std::lock_guard lock(mutex_);
  return disk_;
}

void FakeWorld::change(const std::function<void(FakeDisk&)>& f) {
  const std::lock_guard lock(mutex_);
  f(disk_);
}

std::unique_ptr<FakeWorld> FakeWorld::copy() const {
  auto out = std::make_unique<FakeWorld>();
  const std::lock_guard lock(mutex_);
  out->capabilities = capabilities;
  out->connection_path = connection_path;
  out->disk_ = disk_;
  out->faults_ = faults_;
  out->seen_ = seen_;
  return out;
}

std::optional<Error> FakeWorld::fault(const char* name, bool done_first) {
  const int now = static_cast<int>(seen_[name]);
  for (const auto& f : faults_)
    if (f.call == name && f.done_first == done_first && now >= f.nth && now < f.nth + f.times)
      return Error(f.code, f.message);
  return std::nullopt;
}

void FakeWorld::enter(const char* name, const std::string& object, const Call& call) {
  std::unique_lock lock(mutex_);
  ++waiting_[name];
  changed_.notify_all();
  while (held_.count(name)) {
    const bool deaf = deaf_.count(name) != 0;
    changed_.wait_for(lock, std::chrono::milliseconds(5));
    if (deaf) continue;
    const bool cancelled = call.cancel && call.cancel->is_set();
    if (cancelled || std::chrono::steady_clock::now() >= call.deadline) {
      --waiting_[name];
      throw cancelled ? Error(Code::cancelled, "cancelled") : Error(Code::unknown_outcome, "the time is over");
    }
  }
  --waiting_[name];
  ++seen_[name];
  calls_.push_back({name, object, call.epoch});
  if (down_) throw Error(Code::unavailable, "the fake is down");
  if (const auto e = fault(name, false)) throw *e;
  auto& highest = disk_.highest_epoch[call.id + " " + name];
  if (!object.empty() && call.epoch < highest)
    throw Error(Code::internal, fmt::format("{}: attempt {} came after {}", call.id, call.epoch, highest));
  highest = call.epoch;
}

template <class F>
auto FakeWorld::call(const char* plugin, const char* name, const std::string& object, const Call& call, F&& f) {
  std::function<void(const std::string&)> watcher;
  {
    const std::lock_guard lock(mutex_);
    watcher = watcher_;
    most_inside_[name] = std::max(most_inside_[name], ++inside_[name]);
  }
  struct Inside {
    FakeWorld& world;
    const char* name;
    ~Inside() {
      const std::lock_guard lock(world.mutex_);
      --world.inside_[name];
    }
  } inside{*this, name};
  if (watcher) watcher(fmt::format("{}.{}.before", plugin, name));
  enter(name, object, call);
  auto result = [&] {
    const std::lock_guard lock(mutex_);
    return f(disk_);
  }();
  if (watcher) watcher(fmt::format("{}.{}.after", plugin, name));
  const std::lock_guard lock(mutex_);
  if (const auto e = fault(name, true)) throw *e;
  return result;
}

// ---- storage --------------------------------------------------------------------------------------------------------

class FakeStorage : public StorageBackend {
 public:
  FakeStorage(FakeWorld& world, std::string id) : world_(world), id_(std::move(id)) {
    facts_.capabilities = world.capabilities;
  }
  const InstanceFacts& instance() const override { return facts_; }
  Capacity capacity(const Call& c) override {
    return world_.call("storage", "capacity", "", c, [](FakeDisk&) { return Capacity{1ull << 50, 1ull << 50, 0}; });
  }

  StorageChange create(const Call& c, const CreateArgs& a) override {
    return world_.call("storage", "create", a.id, c, [&](FakeDisk& d) {
      drop_older(d, a.id, c.epoch);
      StorageChange out;
      d.objects[a.id] = {ObjectKind::volume, id_, a.size_bytes, a.facts};
      std::string parent;
      if (a.source_kind && !reflink()) {
        parent = a.source_refs;
        if (!d.files.count(parent)) throw Error(Code::internal, "create: the source's file " + parent + " is gone");
        if (*a.source_kind == ObjectKind::volume) {
          if (a.source_in_use) throw Error(Code::conflict, "create: the source is in use");
          move(d, out, a.source_id, parent, a.id, c.epoch);
        }
      } else if (a.source_kind && !d.files.count(a.source_refs)) {
        throw Error(Code::internal, "create: the source's file " + a.source_refs + " is gone");
      }
      const auto name = add_file(d, out, a.id, a.id, c.epoch, parent);
      out.objects.push_back(state(ObjectKind::volume, a.id, name, a.size_bytes));
      return out;
    });
  }

  void remove(const Call& c, ObjectKind, const std::string& id, const std::string& refs,
              const std::vector<std::string>& layers) override {
    world_.call("storage", "remove", id, c, [&](FakeDisk& d) {
      for (size_t i = 0; i < layers.size(); ++i)
        for (size_t later = i + 1; later < layers.size(); ++later)
          if (const auto f = d.files.find(layers[later]); f != d.files.end() && f->second.parent == layers[i])
            throw Error(Code::internal, "remove: " + layers[i] + " comes before what rests on it");
      for (const auto& l : layers) d.files.erase(l);
      // Without refs it was never published: every try of it goes, also what it did to its source.
      if (refs.empty())
        std::erase_if(d.files, [&](const auto& f) { return f.second.owner == id || f.second.made_for == id; });
      d.objects.erase(id);
      return 0;
    });
  }

  StorageChange extend(const Call& c, const std::string& id, const std::string& refs, uint64_t size_bytes,
                       bool) override {
    return world_.call("storage", "extend", id, c, [&](FakeDisk& d) {
      auto& object = d.objects.at(id);
      if (size_bytes < object.size_bytes) throw Error(Code::invalid, "extend: a volume does not shrink");
      object.size_bytes = size_bytes;
      return StorageChange{{state(ObjectKind::volume, id, refs, size_bytes)}, {}};
    });
  }

  StorageChange snapshot_prepare(const Call& c, const std::vector<SnapshotArgs>& a) override {
    return world_.call("storage", "snapshot_prepare", a.front().id, c, [&](FakeDisk& d) {
      for (const auto& [name, f] : d.files)
        if (f.made_for == a.front().id) refuse_if_written(d, name);
      drop_older(d, a.front().id, c.epoch);
      StorageChange out;
      if (!a.front().in_use || reflink()) return out;
      move(d, out, a.front().volume_id, a.front().volume_refs, a.front().id, c.epoch);
      out.layers.clear();  // not before it is taken
      return out;
    });
  }

  StorageChange snapshot_take(const Call& c, const std::vector<SnapshotArgs>& all) override {
    const auto& a = all.front();
    return world_.call("storage", "snapshot_take", a.id, c, [&](FakeDisk& d) {
      if (!d.files.count(a.volume_refs))
        throw Error(Code::internal, "snapshot: the volume's file " + a.volume_refs + " is gone");
      const auto size = d.objects.at(a.volume_id).size_bytes;
      StorageChange out;
      d.objects[a.id] = {ObjectKind::snapshot, id_, size, a.facts};
      std::string frozen = a.volume_refs;
      if (reflink())
        frozen = add_file(d, out, a.id, a.id, c.epoch, "");
      else if (a.in_use)
        take_prepared(d, out, a, size);
      else
        move(d, out, a.volume_id, frozen, a.id, c.epoch);
      out.objects.push_back(state(ObjectKind::snapshot, a.id, frozen, size));
      if (!world_.strange_object.empty())
        out.objects.push_back(state(ObjectKind::volume, world_.strange_object, "", 0));
      return out;
    });
  }

  void snapshot_finish(const Call& c, const std::vector<SnapshotArgs>& a, bool commit) override {
    world_.call("storage", "snapshot_finish", a.front().id, c, [&](FakeDisk& d) {
      if (commit) return 0;
      for (const auto& [name, f] : d.files)
        if (f.made_for == a.front().id) refuse_if_written(d, name);
      std::erase_if(d.files, [&](const auto& f) { return f.second.made_for == a.front().id; });
      d.objects.erase(a.front().id);
      return 0;
    });
  }

  StorageChange revert(const Call& c, const RevertArgs& a) override {
    return world_.call("storage", "revert", a.volume_id, c, [&](FakeDisk& d) {
      if (!d.files.count(a.snapshot_refs) || !d.files.count(a.volume_refs))
        throw Error(Code::internal, "revert: a file is gone");
      drop_older(d, a.id, c.epoch);
      StorageChange out;
      const auto name = add_file(d, out, a.volume_id, a.id, c.epoch, reflink() ? "" : a.snapshot_refs);
      out.objects.push_back(state(ObjectKind::volume, a.volume_id, name, d.objects.at(a.volume_id).size_bytes));
      return out;
    });
  }

  StorageChange flatten(const Call& c, const FlattenArgs& a) override {
    return world_.call("storage", "flatten", a.volume_id, c, [&](FakeDisk& d) {
      const auto file = d.files.find(a.volume_refs);
      if (file == d.files.end()) throw Error(Code::internal, "flatten: the volume's file is gone");
      StorageChange out;
      const auto size = d.objects.at(a.volume_id).size_bytes;
      if (a.in_use) {
        if (!file->second.parent.empty()) return out;  // the hypervisor comes first
        out.layers.push_back({a.volume_refs, "", "raw", 0});
        out.objects.push_back(state(ObjectKind::volume, a.volume_id, a.volume_refs, size));
        return out;
      }
      refuse_if_written(d, a.volume_refs);
      drop_older(d, a.id, c.epoch);
      const auto name = add_file(d, out, a.volume_id, a.id, c.epoch, "");
      out.objects.push_back(state(ObjectKind::volume, a.volume_id, name, size));
      return out;
    });
  }

  Connection export_object(const Call& c, const ExportArgs& a) override {
    return world_.call("storage", "export_object", a.export_id, c, [&](FakeDisk& d) {
      if (d.secrets.emplace(a.export_id, a.secret).first->second != a.secret)
        throw Error(Code::conflict, "export_object: another secret than before");
      d.exports[a.export_id] = {a.volume_id, a.host, a.mode};
      auto path = world_.connection_path;
      if (!reflink()) std::ofstream(path += "." + a.volume_refs) << "x";
      return Connection{a.mode, "file", "raw", fmt::format(R"({{"path":"{}"}})", path), "e1"};
    });
  }
  void unexport(const Call& c, const ExportArgs& a) override {
    world_.call("storage", "unexport", a.export_id, c, [&](FakeDisk& d) {
      for (const auto& [key, disk] : d.plugged)
        if (!has(VBS_CAP_FENCE) && key.second == a.volume_id && d.vms.count(key.first) &&
            d.vms[key.first].host == a.host)
          throw Error(Code::internal, "unexport: a VM still has volume " + a.volume_id);
      d.exports.erase(a.export_id);
      return 0;
    });
  }

  bool live_sessions(const Call& c, const ExportArgs& a) override {
    return world_.call("storage", "live_sessions", a.export_id, c,
                       [&](FakeDisk& d) { return d.exports.count(a.export_id) != 0; });
  }

  StorageListing list(const Call& c) override {
    return world_.call("storage", "list", "", c, [&](FakeDisk& d) {
      StorageListing out;
      for (const auto& [id, o] : d.objects)
        if (o.backend == id_) out.objects.push_back({o.kind, id, "", o.size_bytes, 0, "raw", "", o.facts});
      for (const auto& [name, f] : d.files)
        if (!d.objects.count(f.owner) && name.rfind("lost.", 0) == 0) out.leftovers.push_back({name, f.owner, 4096});
      return out;
    });
  }
  std::optional<ObjectState> inspect(const Call& c, ObjectKind kind, const std::string& id,
                                     const std::string& refs) override {
    return world_.call("storage", "inspect", "", c, [&](FakeDisk& d) {
      const auto it = d.objects.find(id);
      return it == d.objects.end() ? std::nullopt : std::optional(state(kind, id, refs, it->second.size_bytes));
    });
  }
  void discard(const Call& c, const std::string& leftover) override {
    world_.call("storage", "discard", leftover, c, [&](FakeDisk& d) { return d.files.erase(leftover); });
  }

 private:
  bool reflink() const { return (world_.capabilities & VBS_CAP_REFLINK) != 0; }

  static ObjectState state(ObjectKind kind, const std::string& id, const std::string& refs, uint64_t size) {
    ObjectState s;
    s.kind = kind;
    s.id = id;
    s.refs = s.layer = refs;
    s.size_bytes = size;
    s.format = "raw";
    return s;
  }
  // An older try of the same object was never published.
  static void drop_older(FakeDisk& d, const std::string& id, uint64_t epoch) {
    const auto suffix = "." + std::to_string(epoch);
    std::erase_if(d.files, [&](const auto& f) { return f.second.made_for == id && !f.first.ends_with(suffix); });
  }
  static std::string add_file(FakeDisk& d, StorageChange& out, const std::string& owner, const std::string& made_for,
                              uint64_t epoch, const std::string& parent) {
    const auto name =
        owner == made_for ? fmt::format("{}.{}", owner, epoch) : fmt::format("{}.{}.{}", owner, made_for, epoch);
    d.files[name] = {owner, made_for, parent};
    out.layers.push_back({name, parent, "raw", 0});
    return name;
  }
  static void refuse_if_written(const FakeDisk& d, const std::string& file) {
    for (const auto& [key, disk] : d.plugged)
      if (disk.mode == Mode::rw && disk.path.ends_with("/disk." + file))
        throw Error(Code::internal, "VM " + key.first + " writes to " + file + ", which was to go");
  }
  static void take_prepared(const FakeDisk& d, StorageChange& out, const SnapshotArgs& a, uint64_t size) {
    for (const auto& [name, f] : d.files) {
      if (f.owner != a.volume_id || f.made_for != a.id) continue;
      out.layers.push_back({name, a.volume_refs, "raw", 0});
      out.objects.push_back(state(ObjectKind::volume, a.volume_id, name, size));
      return;
    }
    throw Error(Code::internal, "snapshot: it was not prepared");
  }
  // The source goes on writing to a new layer over the file that is now frozen.
  static void move(FakeDisk& d, StorageChange& out, const std::string& source, const std::string& frozen,
                   const std::string& made_for, uint64_t epoch) {
    const auto name = add_file(d, out, source, made_for, epoch, frozen);
    out.objects.push_back(state(ObjectKind::volume, source, name, d.objects.at(source).size_bytes));
  }

  FakeWorld& world_;
  const std::string id_;
  InstanceFacts facts_;
};

// ---- hypervisor -----------------------------------------------------------------------------------------------------

class FakeHypervisor : public Hypervisor {
 public:
  FakeHypervisor(FakeWorld& world, std::string host) : world_(world), host_(std::move(host)) {}
  InstanceFacts facts(const Call&) override { return {}; }
  std::vector<Vm> list_vms(const Call& c) override {
    return world_.call("hypervisor", "list_vms", "", c, [&](FakeDisk& d) {
      std::vector<Vm> out;
      for (const auto& [id, vm] : d.vms)
        if (vm.host == host_) out.push_back(vm);
      return out;
    });
  }
  Vm find_vm(const Call& c, const std::string& name_or_uuid) override {
    return world_.call("hypervisor", "find_vm", "", c, [&](FakeDisk& d) -> Vm {
      for (const auto& [id, vm] : d.vms)
        if (vm.host == host_ && (id == name_or_uuid || vm.name == name_or_uuid)) return Vm(vm);
      throw Error(Code::not_found, "no such VM");
    });
  }
  Disk attach(const Call& c, const DiskSpec& spec) override {
    return world_.call("hypervisor", "attach", spec.serial, c, [&](FakeDisk& d) {
      if (!d.vms.count(spec.vm_uuid) || d.vms[spec.vm_uuid].host != host_) throw Error(Code::not_found, "no such VM");
      auto& disk = d.plugged[{spec.vm_uuid, spec.serial}];
      if (disk.serial.empty()) {
        disk.serial = spec.serial;
        disk.mode = spec.mode;
        disk.path = spec.source.path;
        disk.device = spec.device.empty() ? fmt::format("vd{}", d.plugged.size()) : spec.device;
        disk.live = disk.persistent = true;
      }
      return disk;
    });
  }
  void detach(const Call& c, const std::string& vm_uuid, const std::string& serial, bool) override {
    world_.call("hypervisor", "detach", serial, c, [&](FakeDisk& d) {
      return elsewhere(d, vm_uuid) ? 0 : d.plugged.erase({vm_uuid, serial});
    });
  }
  std::vector<Disk> inspect(const Call& c, const std::string& vm_uuid) override {
    return world_.call("hypervisor", "inspect_vm", "", c, [&](FakeDisk& d) {
      if (elsewhere(d, vm_uuid)) throw Error(Code::not_found, "no such VM");
      std::vector<Disk> out;
      for (const auto& [key, disk] : d.plugged)
        if (key.first == vm_uuid) out.push_back(disk);
      return out;
    });
  }
  void resize(const Call& c, const std::string& vm_uuid, const std::string& serial, uint64_t size_bytes) override {
    world_.call("hypervisor", "resize", serial, c, [&](FakeDisk& d) {
      const auto it = d.plugged.find({vm_uuid, serial});
      if (it == d.plugged.end()) throw Error(Code::not_found, "the VM does not have this disk");
      it->second.size_bytes = size_bytes;
      return 0;
    });
  }
  void quiesce(const Call& c, const std::string& vm_uuid) override {
    world_.call("hypervisor", "quiesce", vm_uuid, c, [&](FakeDisk& d) {
      if (d.vms[vm_uuid].frozen) throw Error(Code::busy, "it is frozen already");
      return d.vms[vm_uuid].frozen = true;
    });
  }
  void thaw(const Call& c, const std::string& vm_uuid) override {
    world_.call("hypervisor", "thaw", vm_uuid, c, [&](FakeDisk& d) { return d.vms[vm_uuid].frozen = false; });
  }
  Disk switch_image(const Call& c, const DiskSpec& spec) override {
    return world_.call("hypervisor", "switch_image", spec.serial, c, [&](FakeDisk& d) {
      const auto it = d.plugged.find({spec.vm_uuid, spec.serial});
      if (it == d.plugged.end()) throw Error(Code::not_found, "the VM does not have this disk");
      it->second.path = spec.source.path;
      return it->second;
    });
  }
  void stream(const Call& c, const std::string& vm_uuid, const std::string& serial) override {
    world_.call("hypervisor", "stream", serial, c, [&](FakeDisk& d) {
      const auto it = d.plugged.find({vm_uuid, serial});
      if (it == d.plugged.end()) throw Error(Code::not_found, "the VM does not have this disk");
      const auto& path = it->second.path;
      const auto file = d.files.find(path.substr(path.rfind("/disk.") + 6));
      if (file == d.files.end()) throw Error(Code::internal, "stream: the disk's file " + path + " is gone");
      for (auto under = file->second.parent; !under.empty(); under = d.files.at(under).parent)
        if (!d.files.count(under)) throw Error(Code::internal, "stream: " + under + " is gone");
      file->second.parent.clear();
      return 0;
    });
  }
  void stream_stop(const Call& c, const std::string&, const std::string& serial) override {
    world_.call("hypervisor", "stream_stop", serial, c, [](FakeDisk&) { return 0; });
  }

 private:
  bool elsewhere(const FakeDisk& d, const std::string& vm_uuid) const {
    const auto vm = d.vms.find(vm_uuid);
    return vm != d.vms.end() && vm->second.host != host_;
  }
  FakeWorld& world_;
  const std::string host_;
};

std::unique_ptr<StorageBackend> FakeSource::open_storage(const std::string&, const std::string& id,
                                                         const std::string&) {
  return std::make_unique<FakeStorage>(world_, id);
}
std::unique_ptr<Hypervisor> FakeSource::open_hypervisor(const std::string& plugin, const std::string&) {
  return std::make_unique<FakeHypervisor>(world_, plugin);
}
}  // namespace vbs::test
