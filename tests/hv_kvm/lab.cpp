#include "lab.hpp"

#include <dlfcn.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>

namespace vbs::test {
namespace {

std::string env(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// Short, for sockets live below it; of this build directory alone, so that two builds' tests do not meet.
std::string lab_dir() {
  return "/run/vbs-test-" + std::to_string(std::hash<std::string>()(env("VBS_BUILD_DIR")) % 1000000);
}

// Not on tmpfs, which has no O_DIRECT before Linux 6.6.
std::filesystem::path image_dir() { return std::filesystem::path(env("VBS_BUILD_DIR")) / "tests" / "hv_kvm-images"; }

std::string script() { return "VBS_LAB_DIR=" + lab_dir() + " " + env("VBS_SOURCE_DIR") + "/tests/lab/libvirt.sh "; }

class Lab : public testing::Environment {
 public:
  void SetUp() override {
    shell(script() + "stop");  // what a run that crashed has left
    std::filesystem::remove_all(image_dir());
    std::filesystem::create_directories(image_dir());
    started = shell(script() + "start");
    if (started.status == 0) started = shell(script() + "guest main");
  }
  void TearDown() override {
    if (started.status == 3) return;
    const auto stopped = shell(script() + "stop");
    EXPECT_EQ(stopped.status, 0) << stopped.text;
    std::filesystem::remove_all(image_dir());
    if (stopped.status == 0) std::filesystem::remove_all(lab_dir());
  }
  Output started{};
};

Lab* const the_lab = static_cast<Lab*>(testing::AddGlobalTestEnvironment(new Lab));

}  // namespace

Output shell(const std::string& command) {
  Output out{};
  FILE* pipe = popen(("exec 2>&1; " + command).c_str(), "r");
  std::array<char, 4096> buffer{};
  while (const auto n = std::fread(buffer.data(), 1, buffer.size(), pipe)) out.text.append(buffer.data(), n);
  const int status = pclose(pipe);
  out.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  while (out.text.ends_with('\n')) out.text.pop_back();
  return out;
}

const vbs_hypervisor_table* kvm_table() {
  static const vbs_hypervisor_table* table = [] {
    const auto file = env("VBS_BUILD_DIR") + "/plugins/hv_kvm.so";
    void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    EXPECT_NE(library, nullptr) << dlerror();
    const auto entry = reinterpret_cast<vbs_plugin_entry_fn>(dlsym(library, VBS_PLUGIN_ENTRY));
    vbs_versions versions{};
    versions.size = sizeof versions;
    const auto* plugin = entry(fake_host(), &versions);
    EXPECT_EQ(plugin->magic, VBS_PLUGIN_MAGIC);
    EXPECT_EQ(plugin::view(plugin->name), "hv_kvm");
    return plugin->hypervisor;
  }();
  return table;
}

Instance::Instance(const std::string& config) : table_(kvm_table()) {
  TestCall call;
  EXPECT_EQ(table_->open(fake_host(), call.raw(), plugin::str(config), &instance_), VBS_OK) << call.error;
}

Instance::~Instance() { table_->close(instance_); }

namespace {
vbs_attach_args raw_of(const plugin::AttachArgs& args, vbs_source& source) {
  vbs_attach_args raw{};
  raw.size = sizeof raw;
  raw.mode = args.read_only ? VBS_MODE_RO : VBS_MODE_RW;
  raw.vm_uuid = plugin::str(args.vm_uuid);
  raw.serial = plugin::str(args.serial);
  raw.device = plugin::str(args.device);
  raw.shared = args.shared ? 1 : 0;
  source = {sizeof source,
            0,
            plugin::str(args.source.kind),
            plugin::str(args.source.format),
            plugin::str(args.source.path),
            plugin::str(args.source.data),
            plugin::str(args.source.secret)};
  raw.source = &source;
  return raw;
}
}  // namespace

vbs_status Instance::attach(TestCall& call, const plugin::AttachArgs& args) const {
  vbs_source source{};
  const auto raw = raw_of(args, source);
  return table_->attach(instance_, call.raw(), &raw);
}

vbs_status Instance::switch_image(TestCall& call, const plugin::AttachArgs& args) const {
  vbs_source source{};
  const auto raw = raw_of(args, source);
  return table_->switch_image(instance_, call.raw(), &raw);
}

vbs_status Instance::detach(TestCall& call, const std::string& vm, const std::string& serial, bool force) const {
  vbs_detach_args raw{};
  raw.size = sizeof raw;
  raw.force = force ? 1 : 0;
  raw.vm_uuid = plugin::str(vm);
  raw.serial = plugin::str(serial);
  return table_->detach(instance_, call.raw(), &raw);
}

vbs_status Instance::inspect(TestCall& call, const std::string& vm) const {
  return table_->inspect(instance_, call.raw(), plugin::str(vm));
}

vbs_status Instance::find(TestCall& call, const std::string& name) const {
  return table_->find_vm(instance_, call.raw(), plugin::str(name));
}

vbs_status Instance::resize(TestCall& call, const std::string& vm, const std::string& serial, uint64_t bytes) const {
  return table_->resize(instance_, call.raw(), plugin::str(vm), plugin::str(serial), bytes);
}

void Guest::SetUp() {
  const auto& started = the_lab->started;
  if (started.status == 3 && env("CI").empty()) GTEST_SKIP() << "NOT TESTED HERE. " << started.text;
  ASSERT_EQ(started.status, 0) << started.text;
  kvm_ = std::make_unique<Instance>(config());
}

void Guest::TearDown() {
  if (!kvm_) return;
  TestCall list;
  ASSERT_EQ(kvm_->list(list), VBS_OK) << list.error;
  for (const auto& vm : list.vms) {
    TestCall disks;
    ASSERT_EQ(kvm_->inspect(disks, vm.uuid), VBS_OK) << disks.error;
    for (const auto& d : disks.disks) {
      TestCall call;
      EXPECT_EQ(kvm_->detach(call, vm.uuid, d.serial), VBS_OK) << call.error;
    }
  }
}

std::string Guest::lab(const std::string& arguments) {
  const auto out = shell(script() + arguments);
  EXPECT_EQ(out.status, 0) << arguments << ": " << out.text;
  return out.text;
}

Output Guest::start_guest(const std::string& arguments) { return shell(script() + "guest " + arguments); }

std::string Guest::virsh(const std::string& arguments) {
  const auto out = shell("virsh -q -c '" + lab("uri") + "' " + arguments);
  EXPECT_EQ(out.status, 0) << arguments << ": " << out.text;
  return out.text;
}

Output Guest::in_guest(const std::string& command, const std::string& guest) {
  return shell(script() + "sh " + guest + " '" + command + "'");
}

std::string Guest::config(const std::string& more) { return R"({"uri":")" + lab("uri") + '"' + more + '}'; }

std::string Guest::uuid(const std::string& guest) const {
  TestCall call;
  EXPECT_EQ(kvm_->find(call, "vbs-" + guest), VBS_OK) << call.error;
  return call.vms.empty() ? "" : call.vms.front().uuid;
}

plugin::AttachArgs Guest::volume(bool read_only, const std::string& format, uint64_t mib) const {
  static int count = 0;
  plugin::AttachArgs args;
  args.vm_uuid = uuid();
  // The first 20 characters differ, as those of a UUIDv4 do: a virtio guest sees no more.
  char id[37];
  std::snprintf(id, sizeof id, "%08x-5eed-4bad-9cad-0123456789ab", ++count);
  args.serial = id;
  args.read_only = read_only;
  args.source = {"file", format, image_dir() / (args.serial + "." + format), ""};
  const auto made = shell("qemu-img create -q -f " + format + " " + args.source.path + " " + std::to_string(mib) + "M");
  EXPECT_EQ(made.status, 0) << made.text;
  return args;
}

std::string Guest::attach(const plugin::AttachArgs& args) const {
  TestCall call;
  EXPECT_EQ(kvm_->attach(call, args), VBS_OK) << call.error;
  const auto found = in_guest("disk " + args.serial);
  EXPECT_EQ(found.status, 0) << found.text;
  return found.text;
}

plugin::Disk Guest::disk(const std::string& serial, const std::string& vm) const {
  TestCall call;
  EXPECT_EQ(kvm_->inspect(call, vm.empty() ? uuid() : vm), VBS_OK) << call.error;
  for (const auto& d : call.disks) {
    if (d.serial == serial) return d;
  }
  return {};
}

}  // namespace vbs::test
