// plugins/faulty by itself, through its tables: it behaves when nothing is asked for, and fails as asked for.
#include <gmock/gmock.h>

#include <filesystem>
#include <thread>

#include "core/base/ids.hpp"
#include "tests/faults/faulty_service.hpp"
#include "vbs/plugin/storage.h"

namespace vbs::test {
namespace {
using std::chrono::milliseconds;
using testing::HasSubstr;

class Faulty : public testing::Test {
 protected:
  Faulty() { open(); }
  void open() {
    storage_.reset();
    hypervisor_.reset();
    host_ = std::make_unique<PluginHost>(service_.plugins());
    host_->scan();
    storage_ = host_->open_storage("faulty", backend_, service_.config_of_plugin());
    hypervisor_ = host_->open_hypervisor("faulty", service_.config_of_plugin());
  }
  std::string create(uint64_t attempt = 1) { return create_as(new_uuid(), attempt); }
  std::string create_as(const std::string& id, uint64_t attempt = 1, milliseconds time = milliseconds(10000)) {
    CreateArgs a;
    a.id = id;
    a.size_bytes = kMiB;
    Call call;
    call.epoch = attempt;
    call.deadline = std::chrono::steady_clock::now() + time;
    storage_->create(call, a);
    return id;
  }
  bool there(const std::string& id) {
    for (const auto& o : storage_->list({}).objects)
      if (o.id == id) return true;
    return false;
  }
  FaultyService service_;
  const std::string backend_ = new_uuid();
  std::unique_ptr<PluginHost> host_;
  std::unique_ptr<StorageBackend> storage_;
  std::unique_ptr<Hypervisor> hypervisor_;
};

TEST_F(Faulty, KeepsWhatItHasOverAnEndOfTheProcess) {
  const auto id = create();
  const auto vm = hypervisor_->find_vm({}, "vm2");
  storage_->export_object({}, {new_uuid(), id, id + ".1", "node1", "", "", Mode::rw});
  hypervisor_->attach({}, {vm.uuid, id, "vdq", Mode::rw, false, {"file", "raw", "/x", "{}"}});
  open();
  EXPECT_TRUE(there(id));
  const auto disks = hypervisor_->inspect({}, vm.uuid);
  ASSERT_EQ(disks.size(), 1u);
  EXPECT_EQ(disks.front().device, "vdq");
  EXPECT_EQ(disks.front().size_bytes, kMiB);
}

TEST_F(Faulty, FailsTheCallThatWasAskedForAndNoOther) {
  service_.set_faults("create:2 unavailable");
  create();
  EXPECT_EQ(error_of([&] { create(); }).code(), Code::unavailable);
  create();
}

TEST_F(Faulty, LiesAboutWhatItHasDone) {
  service_.set_faults("create:1 lie; create:2 fail");
  const auto done = new_uuid(), not_done = new_uuid();
  EXPECT_EQ(error_of([&] { create_as(done); }).code(), Code::internal);
  EXPECT_EQ(error_of([&] { create_as(not_done); }).code(), Code::internal);
  EXPECT_TRUE(there(done));
  EXPECT_FALSE(there(not_done));
}

TEST_F(Faulty, HangsUntilTheDeadline) {
  service_.set_faults("ms 0; create:1 hang");
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(error_of([&] { create_as(new_uuid(), 1, milliseconds(60)); }).code(), Code::unknown_outcome);
  EXPECT_GE(std::chrono::steady_clock::now() - began, milliseconds(60));
}

TEST_F(Faulty, IsStuckUntilTheFaultsChange) {
  service_.set_faults("create:1 stuck");
  std::thread stuck(
      [&] { EXPECT_EQ(error_of([&] { create_as(new_uuid(), 1, milliseconds(1)); }).code(), Code::unknown_outcome); });
  std::this_thread::sleep_for(milliseconds(50));
  service_.set_faults("off");
  stuck.join();
}

TEST(FaultyService, ACallThatNeverReturnsLeavesAllElseGoingOn) {
  FaultyService service;
  service.set_faults("create:1 stuck");
  auto options = quick();
  options.call_deadline = options.grace = milliseconds(30);
  auto core = service.start(options);
  NewVolume w;
  w.size_bytes = kMiB;
  const auto stuck = create_volume(*core, core.root(), w);
  ASSERT_TRUE(core.until_state(stuck.operation_id, state::waiting));
  EXPECT_THAT(core.operation(stuck.operation_id)->waits_for, HasSubstr("back-end fast does not answer"));
  EXPECT_EQ(core.ended(create_volume(*core, core.root(), w)).state, state::done);
  service.set_faults("off");
  EXPECT_EQ(core.ended(stuck).state, state::done);
  EXPECT_EQ(FaultyService::differences(core, service.directory()), std::vector<std::string>{});
  EXPECT_EQ(service.breaches(), "");
}

TEST_F(Faulty, KillsItsProcessAndCountsOnInTheNext) {
  storage_.reset();
  hypervisor_.reset();
  service_.set_faults("create:2 kill after");
  const auto id = new_uuid();
  const auto ended = in_child([&] {
    open();
    create();
    create_as(id);
    return std::string("alive");
  });
  EXPECT_TRUE(ended.killed) << ended.said;
  open();
  EXPECT_TRUE(there(id));
  EXPECT_NO_THROW(create()) << "it was the third";
}

TEST_F(Faulty, RepeatsTheFaultsOfASeed) {
  const auto run = [&](const std::string& rules) {
    service_.set_faults(rules);
    std::string out;
    for (int i = 0; i < 60; ++i) {
      try {
        create();
        out += '.';
      } catch (const Error& e) {
        out += e.code() == Code::internal ? 'f' : e.code() == Code::unavailable ? 'u' : '?';
      }
    }
    return out;
  };
  const auto first = run("seed 7; rate 0.3; ms 1");
  EXPECT_NE(first, std::string(60, '.'));
  EXPECT_EQ(run("seed 7; rate 0.3; ms 1"), first);
  EXPECT_NE(run("seed 8; rate 0.3; ms 1"), first);
  EXPECT_EQ(run("off"), std::string(60, '.'));
}

TEST_F(Faulty, RefusesRulesThatItDoesNotUnderstand) {
  for (const auto* rules :
       {"creat:1 fail", "create:0 fail", "create explode", "create", "rate 2", "create fail never"}) {
    service_.set_faults(rules);
    const auto e = error_of([&] { create(); });
    EXPECT_EQ(e.code(), Code::invalid) << rules;
    EXPECT_THAT(e.what(), HasSubstr("'" + std::string(rules) + "'"));
  }
}

TEST_F(Faulty, TellsWhenAnExportGoesBeforeTheDisk) {  // CVE-2023-2088
  const auto id = create();
  const ExportArgs e{new_uuid(), id, id + ".1", "node1", "", "", Mode::rw};
  storage_->export_object({}, e);
  const auto vm = hypervisor_->find_vm({}, "vm1").uuid;
  hypervisor_->attach({}, {vm, id, "", Mode::rw, false, {"file", "raw", "/x", "{}"}});
  EXPECT_THAT(error_of([&] { storage_->unexport({}, e); }).what(), HasSubstr("unexport of " + id));
  EXPECT_THAT(error_of([&] { storage_->remove({}, ObjectKind::volume, id, id + ".1", {}); }).what(),
              HasSubstr("remove of " + id));
  EXPECT_THAT(service_.breaches(), HasSubstr("! unexport of " + id));
}

TEST_F(Faulty, SaysUnavailableWithoutItsMarker) {
  std::filesystem::remove(service_.directory() + "/backend");
  EXPECT_EQ(error_of([&] { storage_->list({}); }).code(), Code::unavailable);
}

TEST_F(Faulty, BelongsToOneBackEnd) {
  EXPECT_THAT(error_of([&] { host_->open_storage("faulty", new_uuid(), service_.config_of_plugin()); }).what(),
              HasSubstr("belongs to back-end " + backend_));
}
}  // namespace
}  // namespace vbs::test
