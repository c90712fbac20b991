#include "core/service/reconcile.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "core/base/ids.hpp"
#include "tests/support/test_core.hpp"

namespace vbs::test {
namespace {
using Names = std::vector<std::string>;

struct Reconcile : testing::Test {
  FakeWorld world;
  TemporaryDirectory dir;
  TestCore core{world, dir.path()};
  const std::string volume = core.volume();

  ReconcileReport run(bool repair = false) {
    core.settle();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // what was touched in this microsecond is left out
    return reconcile(*core, core.root(), repair);
  }
  static Names what(const ReconcileReport& r) {
    Names out;
    for (const auto& f : r.findings) out.push_back(f.what);
    return out;
  }
  // One finding, its repair (or none), and what a second look finds.
  void expect(const std::string& kind, bool mends) {
    const auto before = world.disk();
    const auto seen = run();
    EXPECT_EQ(what(seen), Names{kind});
    EXPECT_EQ(world.disk().plugged.size(), before.plugged.size()) << "a look changes nothing";
    EXPECT_EQ(world.disk().files, before.files);
    EXPECT_EQ(world.disk().exports, before.exports);
    const auto repaired = run(true);
    ASSERT_EQ(repaired.findings.size(), 1u);
    EXPECT_EQ(repaired.findings.front().repaired, mends) << repaired.findings.front().repair;
    EXPECT_EQ(what(run()), mends ? Names{} : Names{kind});
    EXPECT_EQ(world.disk().objects, before.objects) << "no repair touches data";
  }
};

TEST_F(Reconcile, FindsNothingWhereEverythingAgrees) {
  core.snapshot(volume);
  core.attach(volume);
  const auto r = run();
  EXPECT_TRUE(r.findings.empty());
  EXPECT_TRUE(r.unreachable.empty());
  EXPECT_EQ(r.checked.at("volumes"), 1u);
  EXPECT_EQ(r.checked.at("snapshots"), 1u);
  EXPECT_EQ(r.checked.at("attachments"), 1u);
}

TEST_F(Reconcile, ReportsDataThatIsMissing) {
  world.change([&](FakeDisk& d) { d.objects.erase(volume); });
  expect("missing-file", false);
}

TEST_F(Reconcile, ReportsDataThatNobodyKnowsAndNeverTouchesIt) {
  world.change([&](FakeDisk& d) { d.objects[new_uuid()] = d.objects.at(volume); });
  expect("unknown-object", false);
}

TEST_F(Reconcile, ReportsASizeThatDiffers) {
  world.change([&](FakeDisk& d) { d.objects[volume].size_bytes *= 2; });
  expect("size-differs", false);
}

TEST_F(Reconcile, RemovesALeftoverFile) {
  world.change([&](FakeDisk& d) { d.files["lost.1"] = {new_uuid(), "", ""}; });
  expect("leftover-file", true);
}

TEST_F(Reconcile, TakesADiskOutOfAVmThatHasItWithoutAnAttachment) {
  core.attach(volume);
  FakeDisk had = world.disk();
  core.ended(detach_volume(*core, core.alice(), volume, {}).front());
  world.change([&](FakeDisk& d) { d.plugged = had.plugged; });
  expect("disk-unknown", true);
}

TEST_F(Reconcile, LeavesDisksThatAreNotOursAlone) {
  world.change([&](FakeDisk& d) {
    Disk disk;
    disk.serial = "WD-12345";
    d.plugged[{d.vms.begin()->first, disk.serial}] = disk;
  });
  EXPECT_TRUE(run(true).findings.empty());
  EXPECT_EQ(world.disk().plugged.size(), 1u);
}

TEST_F(Reconcile, EndsAnAttachmentWhoseVmDoesNotHaveTheDisk) {
  core.attach(volume);
  world.change([](FakeDisk& d) { d.plugged.clear(); });
  expect("disk-missing", true);
  EXPECT_TRUE(world.disk().exports.empty() && show_volume(*core, core.alice(), volume).attachments.empty());
}

TEST_F(Reconcile, ReportsAModeThatDiffersAndDoesNotUnplugAWriter) {
  core.attach(volume, Mode::ro);
  world.change([](FakeDisk& d) { d.plugged.begin()->second.mode = Mode::rw; });
  expect("mode-differs", false);
}

TEST_F(Reconcile, EndsTheAttachmentOfAVmThatIsGone) {
  core.attach(volume);
  world.change([](FakeDisk& d) {
    d.vms.erase(d.vms.begin());
    d.plugged.clear();
  });
  expect("vm-gone", true);
}

TEST_F(Reconcile, RemovesAnExportThatNobodyUses) {
  core.attach(volume);
  store::ExportRow row;
  core->database.read(
      [&](store::Session& db) { row = *store::find_export(db, volume, core->registry.host_by_name("node1").row.id); });
  core.ended(detach_volume(*core, core.alice(), volume, {}).front());
  core->database.writer().transact([&](store::Tx& tx) { store::put_export(tx, row); });
  world.change([&](FakeDisk& d) { d.exports[row.id] = {volume, "node1", Mode::rw}; });
  expect("export-unused", true);
  EXPECT_TRUE(world.disk().exports.empty());
}

TEST_F(Reconcile, RepairsNothingOfABackEndThatDoesNotAnswer) {
  world.change([&](FakeDisk& d) {
    d.files["lost.1"] = {new_uuid(), "", ""};
    d.objects.erase(volume);
  });
  world.set_down(true);
  const auto r = run(true);
  EXPECT_TRUE(r.findings.empty()) << "an unmounted file system is not an empty one";
  ASSERT_EQ(r.unreachable.size(), 2u);
  EXPECT_EQ(r.unreachable.front(), "back-end fast: the fake is down");
  world.set_down(false);
  EXPECT_EQ(what(run()), (Names{"missing-file", "leftover-file"}));
}

TEST_F(Reconcile, LeavesOutWhatIsInMotion) {
  world.hold("attach");
  const auto a = attach_volume(*core, core.alice(), volume, {"node1", "vm1", "", Mode::rw});
  world.wait_until_held("attach");
  world.change([&](FakeDisk& d) {
    d.objects[volume].size_bytes *= 2;
    d.vms.erase(d.vms.begin());
  });
  EXPECT_TRUE(reconcile(*core, core.root(), true).findings.empty());
  world.release("attach");
  core.ended(a);
}

TEST_F(Reconcile, ShowsEachDifferenceOfSeveralOnce) {
  core.attach(volume);
  const auto other = core.volume(), third = core.volume();
  world.change([&](FakeDisk& d) {
    d.plugged.clear();
    d.objects.erase(other);
    d.objects[third].size_bytes *= 2;
    d.files["lost.1"] = {new_uuid(), "", ""};
  });
  auto all = what(run());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, (Names{"disk-missing", "leftover-file", "missing-file", "size-differs"}));
}

TEST_F(Reconcile, ARepairThatFailsSaysSo) {
  world.change([&](FakeDisk& d) { d.files["lost.1"] = {new_uuid(), "", ""}; });
  world.fail({.call = "discard", .code = Code::internal, .message = "read-only file system"});
  const auto r = run(true);
  ASSERT_EQ(r.findings.size(), 1u);
  EXPECT_FALSE(r.findings.front().repaired);
  EXPECT_NE(r.findings.front().repair.find("read-only file system"), std::string::npos);
}

TEST_F(Reconcile, ARepairLeavesAnAuditEvent) {
  run(true);
  EXPECT_EQ(core->database.read([](store::Session& db) {
    return db.number("SELECT count(*) FROM events WHERE action = 'reconcile --repair'");
  }),
            1);
}
}  // namespace
}  // namespace vbs::test
