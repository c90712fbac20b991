// An in-memory storage back-end and hypervisor behind the core's own interfaces. What they "have on disk" is a plain
// FakeDisk that can be copied, so it outlives a Core and can be kept as it was at some moment (a power cut).
//
//   FakeWorld world;
//   world.fail({.call = "attach", .code = Code::unavailable, .times = 2});
//   FakeSource source(world);
//   Core core(config, {}, options, &source);
//
// A hypervisor is that of the host whose name its configured plugin has ("node1"). Files named "lost.*" are left-overs.
// The storage keeps the contract of include/vbs/plugin/storage.h: idempotent by id, file names that carry the attempt,
// layers. With VBS_CAP_REFLINK a snapshot is a file of its own; without, the volume moves onto a new layer, and a VM
// that writes to it has to be switched there: where a file goes that a VM writes to, the call fails.
//
// Threading: any thread.
#pragma once
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/plugin_host/plugin_source.hpp"

namespace vbs::test {

struct FakeObject {  // a sidecar: what makes a volume or snapshot one
  ObjectKind kind = ObjectKind::volume;
  std::string backend;
  uint64_t size_bytes = 0;
  std::string facts;
  bool operator==(const FakeObject&) const = default;
};

struct FakeFile {
  std::string owner, made_for;  // object ids; they differ where a snapshot or clone moved its source
  std::string parent;
  bool operator==(const FakeFile&) const = default;
};

struct FakeExport {
  std::string volume, host;
  Mode mode = Mode::ro;
  bool operator==(const FakeExport&) const = default;
};

struct FakeVm : Vm {
  std::string host = "node1";
  bool frozen = false;
};

struct FakeDisk {
  std::map<std::string, FakeObject> objects;                    // by id
  std::map<std::string, FakeFile> files;                        // by name
  std::map<std::string, FakeExport> exports;                    // by id
  std::map<std::string, std::string> secrets;                   // of every export there ever was: each has one for ever
  std::map<std::string, FakeVm> vms;                            // by UUID
  std::map<std::pair<std::string, std::string>, Disk> plugged;  // (VM, serial)
  std::map<std::string, uint64_t> highest_epoch;                // by call id: no older try may come after a newer one
};

// What happens at calls of that name, from the `nth` one on, `times` times. Names are those of the interfaces:
// create, remove, extend, snapshot_prepare, snapshot_take, snapshot_finish, revert, flatten, export_object, unexport,
// list, discard, attach, detach, resize, find_vm, list_vms, inspect_vm, quiesce, thaw, switch_image, stream,
// stream_stop.
struct FakeFault {
  std::string call;
  Code code = Code::internal;
  std::string message = "made to fail";
  int nth = 1, times = 1;
  bool done_first = false;  // the call takes effect before it fails
};

struct FakeCall {
  std::string name, object;
  uint64_t epoch = 0;
};

class FakeWorld {
 public:
  FakeWorld();
  FakeWorld(const FakeWorld&) = delete;

  uint64_t capabilities;        // of the storage; set before a Core starts
  std::string connection_path;  // of every export: a file that exists; that of a layer has its name behind it

  std::function<std::unique_ptr<Connector>()> make_connector;  // in the place of that for files

  std::string strange_object;  // not empty: a snapshot also reports a change of this object

  void fail(FakeFault fault);
  void clear_faults();
  // Calls of that name wait before they do anything, until release() or their deadline or cancel.
  void hold(const std::string& call);
  void hang(const std::string& call);  // the same, but they hear neither deadline nor cancel
  void release(const std::string& call);
  void wait_until_held(const std::string& call, size_t callers = 1);
  void set_down(bool down);  // every call fails with `unavailable`
  // Runs on the calling thread with "storage.create.before", "hypervisor.attach.after", ...
  void watch(std::function<void(const std::string& point)> f);

  std::vector<FakeCall> calls() const;  // all so far, in order, without list and find
  std::vector<FakeCall> calls(const std::string& name) const;
  size_t most_parallel(const std::string& call) const;  // how many were inside at once

  FakeDisk disk() const;
  void change(const std::function<void(FakeDisk&)>& f);
  // Another world with the same disk and faults; nothing is held there.
  std::unique_ptr<FakeWorld> copy() const;

 private:
  friend class FakeStorage;
  friend class FakeHypervisor;
  // Wraps every call: counts, holds, fails, checks the epoch; `f` changes the disk with the world locked.
  template <class F>
  auto call(const char* plugin, const char* name, const std::string& object, const Call& call, F&& f);
  void enter(const char* name, const std::string& object, const Call& call);
  std::optional<Error> fault(const char* name, bool done_first);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  FakeDisk disk_;
  std::vector<FakeFault> faults_;
  std::set<std::string> held_, deaf_;
  std::map<std::string, size_t> waiting_, seen_, inside_, most_inside_;
  std::vector<FakeCall> calls_;
  bool down_ = false;
  std::function<void(const std::string&)> watcher_;
};

class FakeSource : public PluginSource {
 public:
  explicit FakeSource(FakeWorld& world) : world_(world) {}
  std::unique_ptr<StorageBackend> open_storage(const std::string& plugin, const std::string& id,
                                               const std::string& config) override;
  std::unique_ptr<Hypervisor> open_hypervisor(const std::string& plugin, const std::string& config) override;
  std::map<std::string, std::unique_ptr<Connector>> connectors_at(const Place& place, const std::string& plugin,
                                                                  const std::string& config) override {
    if (!world_.make_connector) return PluginSource::connectors_at(place, plugin, config);
    std::map<std::string, std::unique_ptr<Connector>> out;
    out["file"] = world_.make_connector();
    return out;
  }

 private:
  FakeWorld& world_;
};

}  // namespace vbs::test
