// Real guests for the tests: the lab's libvirtd (tests/lab/libvirt.sh), started once for the whole program and stopped
// at its end, two guests in it, and the plugin as it was built, loaded through its one symbol.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "fake_host.hpp"

namespace vbs::test {

struct Output {
  int status;
  std::string text;
};
Output shell(const std::string& command);  // stdout and stderr together

// The plugin's table. Fails the running test if it cannot be loaded.
const vbs_hypervisor_table* kvm_table();

// One opened instance; every call returns the status and leaves the rest in a TestCall.
class Instance {
 public:
  explicit Instance(const std::string& config);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  vbs_status attach(TestCall& call, const plugin::AttachArgs& args) const;
  vbs_status detach(TestCall& call, const std::string& vm, const std::string& serial, bool force = false) const;
  vbs_status inspect(TestCall& call, const std::string& vm) const;
  vbs_status find(TestCall& call, const std::string& name) const;
  vbs_status resize(TestCall& call, const std::string& vm, const std::string& serial, uint64_t bytes) const;
  vbs_status switch_image(TestCall& call, const plugin::AttachArgs& args) const;
  vbs_status quiesce(TestCall& call, const std::string& vm) const {
    return table_->quiesce(instance_, call.raw(), plugin::str(vm));
  }
  vbs_status thaw(TestCall& call, const std::string& vm) const {
    return table_->thaw(instance_, call.raw(), plugin::str(vm));
  }
  vbs_status stream(TestCall& call, const std::string& vm, const std::string& serial) const {
    return table_->stream(instance_, call.raw(), plugin::str(vm), plugin::str(serial), vbs_str{});
  }
  vbs_status stream_stop(TestCall& call, const std::string& vm, const std::string& serial) const {
    return table_->stream_stop(instance_, call.raw(), plugin::str(vm), plugin::str(serial));
  }
  vbs_status list(TestCall& call) const { return table_->list_vms(instance_, call.raw()); }
  vbs_status facts(TestCall& call) const { return table_->facts(instance_, call.raw()); }

 private:
  const vbs_hypervisor_table* table_;
  void* instance_ = nullptr;
};

// A fixture with the persistent guest "main" running. Every volume that a test attached is detached after it.
class Guest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  static std::string lab(const std::string& arguments);     // runs libvirt.sh; a failure fails the test
  static Output start_guest(const std::string& arguments);  // status 3: a Debian package is missing
  static std::string virsh(const std::string& arguments);   // the same, with virsh
  static Output in_guest(const std::string& command, const std::string& guest = "main");
  static std::string config(const std::string& more = "");    // `more`: R"(,"key":value)"
  std::string uuid(const std::string& guest = "main") const;  // of vbs-GUEST

  // A new volume: an image file on a disk-backed file system, and the arguments that attach it to `main`.
  plugin::AttachArgs volume(bool read_only, const std::string& format = "raw", uint64_t mib = 16) const;
  // Attaches and expects success; returns the guest's device, "/dev/vda".
  std::string attach(const plugin::AttachArgs& args) const;
  // The disk as inspect shows it; `where` 0: not there.
  plugin::Disk disk(const std::string& serial, const std::string& vm = "") const;

  std::unique_ptr<Instance> kvm_;
};

}  // namespace vbs::test
