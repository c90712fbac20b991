// Who may do what, through the functions that adapters call.
#include <gtest/gtest.h>

#include "core/base/ids.hpp"
#include "core/service/reconcile.hpp"
#include "tests/support/test_core.hpp"

namespace vbs::test {
namespace {
struct Rights : testing::Test {
  FakeWorld world;
  TemporaryDirectory dir;
  TestCore core{world, dir.path()};
  const std::string volume = core.volume(), snapshot = core.snapshot(volume);  // Alice's

  using Action = std::function<void(const Caller&)>;
  std::map<std::string, Action> actions_on_a_volume() {
    return {{"show", [this](const Caller& c) { show_volume(*core, c, volume); }},
            {"update",
             [this](const Caller& c) {
               update_volume(*core, c, volume, {"new", {}, {}});
             }},
            {"extend", [this](const Caller& c) { extend_volume(*core, c, volume, 64 * kMiB); }},
            {"delete", [this](const Caller& c) { delete_volume(*core, c, volume); }},
            {"snapshot",
             [this](const Caller& c) {
               create_snapshot(*core, c, {volume, "s", "", "{}"});
             }},
            {"clone",
             [this](const Caller& c) {
               NewVolume w;
               w.volume_id = volume;
               create_volume(*core, c, w);
             }},
            {"attach rw",
             [this](const Caller& c) {
               attach_volume(*core, c, volume, {"node1", "vm2", "", Mode::rw});
             }},
            {"attach ro",
             [this](const Caller& c) {
               attach_volume(*core, c, volume, {"node1", "vm2", "", Mode::ro});
             }},
            {"detach", [this](const Caller& c) { detach_volume(*core, c, volume, {}); }},
            {"attachments", [this](const Caller& c) { list_attachments(*core, c, volume, "", "", false); }},
            {"grants", [this](const Caller& c) { list_grants(*core, c, volume); }},
            {"grant", [this](const Caller& c) { grant(*core, c, volume, "CN=eve,O=VBS"); }},
            {"ungrant", [this](const Caller& c) { ungrant(*core, c, volume, "CN=eve,O=VBS"); }},
            {"explain", [this](const Caller& c) { explain(*core, c, volume); }}};
  }
};

TEST_F(Rights, AnotherUsersVolumeDoesNotExist) {
  for (const auto& [name, action] : actions_on_a_volume()) {
    SCOPED_TRACE(name);
    const auto e = error_of([&] { action(core.bob()); });
    EXPECT_EQ(e.code(), Code::not_found);
    EXPECT_EQ(e.what(), "there is no volume " + volume) << "the same words as for one that never was";
  }
  EXPECT_TRUE(list_volumes(*core, core.bob(), {}).empty());
  EXPECT_TRUE(list_attachments(*core, core.bob(), "", "", "", false).empty());
}

TEST_F(Rights, AnotherUsersSnapshotDoesNotExist) {
  const std::map<std::string, Action> actions{
      {"show", [this](const Caller& c) { show_snapshot(*core, c, snapshot); }},
      {"update",
       [this](const Caller& c) {
         update_snapshot(*core, c, snapshot, {"new", {}, {}});
       }},
      {"delete", [this](const Caller& c) { delete_snapshot(*core, c, snapshot); }},
      {"volume from it", [this](const Caller& c) {
         NewVolume w;
         w.snapshot_id = snapshot;
         create_volume(*core, c, w);
       }}};
  for (const auto& [name, action] : actions) {
    SCOPED_TRACE(name);
    EXPECT_EQ(error_of([&] { action(core.bob()); }).code(), Code::not_found);
  }
  EXPECT_TRUE(list_snapshots(*core, core.bob(), {}).empty());
}

TEST_F(Rights, TheMarkerOfAPageDoesNotTellWhetherAForeignIdExists) {
  for (const auto& id : {volume, new_uuid()}) {
    Page page;
    page.marker = id;
    const auto e = error_of([&] { list_volumes(*core, core.bob(), page); });
    EXPECT_EQ(e.code(), Code::invalid);
    EXPECT_EQ(e.field(), "marker");
  }
  Page page;
  page.marker = snapshot;
  EXPECT_EQ(error_of([&] { list_snapshots(*core, core.bob(), page); }).code(), Code::invalid);
}

TEST_F(Rights, AReadOnlyGranteeMaySeeAndAttachReadOnlyAndNothingElse) {
  grant(*core, core.alice(), volume, "CN=bob,O=VBS");
  for (const auto& [name, action] : actions_on_a_volume()) {
    SCOPED_TRACE(name);
    if (name == "show" || name == "explain" || name == "attach ro" || name == "attachments") {
      action(core.bob());
      core.settle();
    } else if (name == "detach") {
      continue;  // of one's own attachment: below
    } else {
      EXPECT_EQ(error_of([&] { action(core.bob()); }).code(), Code::forbidden);
    }
  }
  const auto listed = list_volumes(*core, core.bob(), {});
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed.front().access, Access::read_only);
}

TEST_F(Rights, AGranteeMayEndItsOwnAttachmentAndNeitherSeeNorEndTheOwners) {
  grant(*core, core.alice(), volume, "CN=bob,O=VBS");
  core.ended(attach_volume(*core, core.alice(), volume, {"node1", "vm1", "", Mode::ro}));
  EXPECT_TRUE(show_volume(*core, core.bob(), volume).attachments.empty());
  EXPECT_EQ(error_of([&] { detach_volume(*core, core.bob(), volume, {}); }).code(), Code::conflict);
  core.ended(attach_volume(*core, core.bob(), volume, {"node1", "vm2", "", Mode::ro}));
  EXPECT_EQ(show_volume(*core, core.bob(), volume).attachments.size(), 1u);
  EXPECT_EQ(show_volume(*core, core.alice(), volume).attachments.size(), 2u);
  const auto ended = detach_volume(*core, core.bob(), volume, {.all = true});
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(core.ended(ended.front()).state, state::done);
  EXPECT_EQ(show_volume(*core, core.alice(), volume).attachments.front().vm_name, "vm1");
}

TEST_F(Rights, TheOwnerMayEndAGranteesAttachment) {
  grant(*core, core.alice(), volume, "CN=bob,O=VBS");
  core.ended(attach_volume(*core, core.bob(), volume, {"node1", "vm2", "", Mode::ro}));
  EXPECT_EQ(core.ended(detach_volume(*core, core.alice(), volume, {}).front()).state, state::done);
}

TEST_F(Rights, AfterAGrantIsTakenBackTheVolumeIsGoneForTheGrantee) {
  grant(*core, core.alice(), volume, "CN=bob,O=VBS");
  ungrant(*core, core.alice(), volume, "CN=bob,O=VBS");
  EXPECT_EQ(error_of([&] { show_volume(*core, core.bob(), volume); }).code(), Code::not_found);
  EXPECT_TRUE(list_volumes(*core, core.bob(), {}).empty());
}

TEST_F(Rights, AGrantSaysNothingAboutSnapshotsOfTheVolume) {
  grant(*core, core.alice(), volume, "CN=bob,O=VBS");
  EXPECT_EQ(error_of([&] { show_snapshot(*core, core.bob(), snapshot); }).code(), Code::not_found);
}

TEST_F(Rights, AttachNeedsARightOnTheVmToo) {
  const auto attach = [&](const std::string& vm) {
    attach_volume(*core, core.alice(), volume, {"node1", vm, "", Mode::rw});
  };
  const auto theirs = error_of([&] { attach("vm2"); }), nobodys = error_of([&] { attach("vm3"); });
  EXPECT_EQ(theirs.code(), Code::forbidden);
  EXPECT_EQ(nobodys.code(), Code::forbidden) << "whether a VM exists is told to its owner only";
  EXPECT_EQ(std::string(nobodys.what()).replace(std::string(nobodys.what()).find("vm3"), 3, "vm2"), theirs.what());
  attach("vm1");
  core.settle();
}

TEST_F(Rights, TheVmMappingIsTheOperatorsAndDecides) {
  EXPECT_EQ(error_of([&] { set_vm_owner(*core, core.alice(), "node1", "vm2", "CN=alice,O=VBS"); }).code(),
            Code::forbidden);
  set_vm_owner(*core, core.root(), "node1", "vm2", "CN=alice,O=VBS");
  EXPECT_EQ(core.ended(attach_volume(*core, core.alice(), volume, {"node1", "vm2", "", Mode::rw})).state, state::done);
  set_vm_owner(*core, core.root(), "node1", "vm1", "");
  EXPECT_EQ(list_vms(*core, core.alice(), "node1").size(), 1u);
  EXPECT_EQ(list_vms(*core, core.bob(), "node1").size(), 0u);
  EXPECT_EQ(list_vms(*core, core.root(), "node1").size(), 2u);
}

TEST_F(Rights, AnOperatorMayDoEverythingAndNamesWhatDoesNotExist) {
  EXPECT_EQ(show_volume(*core, core.root(), volume).access, Access::operator_);
  EXPECT_EQ(error_of([&] {
              attach_volume(*core, core.root(), volume, {"node1", "vm3", "", Mode::rw});
            }).code(),
            Code::not_found);
  core.ended(attach_volume(*core, core.root(), volume, {"node1", "vm2", "", Mode::rw}));
  core.ended(detach_volume(*core, core.root(), volume, {}).front());
  const auto mine = create_snapshot(*core, core.root(), {volume, "s", "", "{}"});
  core.ended(mine);
  show_snapshot(*core, core.alice(), mine.object_id);  // belongs to the volume's project
  EXPECT_EQ(core.ended(delete_volume(*core, core.root(), volume)).state, state::done);
}

TEST_F(Rights, OnlyAnOperatorListsEveryProjectAndReconciles) {
  Page page;
  page.all_projects = true;
  EXPECT_EQ(error_of([&] { list_volumes(*core, core.alice(), page); }).code(), Code::forbidden);
  EXPECT_EQ(error_of([&] { list_snapshots(*core, core.alice(), page); }).code(), Code::forbidden);
  EXPECT_EQ(error_of([&] { reconcile(*core, core.alice(), false); }).code(), Code::forbidden);
  EXPECT_EQ(list_volumes(*core, core.root(), page).size(), 1u);
  EXPECT_TRUE(list_volumes(*core, core.root(), {}).empty()) << "an operator has a project of its own";
}

TEST_F(Rights, AnIdThatIsNoUuidNeverReachesTheStore) {
  for (const auto* id : {"", "1", "' OR 1=1 --", "../../etc/passwd"}) {
    EXPECT_EQ(error_of([&] { show_volume(*core, core.alice(), id); }).code(), Code::not_found);
    EXPECT_EQ(error_of([&] { show_snapshot(*core, core.alice(), id); }).code(), Code::not_found);
  }
}

TEST_F(Rights, SomebodyElseInTheWayIsNotNamed) {
  grant(*core, core.alice(), volume, "CN=bob,O=VBS");
  core.ended(attach_volume(*core, core.alice(), volume, {"node1", "vm1", "", Mode::rw}));
  const auto e = error_of([&] { attach_volume(*core, core.bob(), volume, {"node1", "vm2", "", Mode::ro}); });
  EXPECT_EQ(e.code(), Code::conflict);
  EXPECT_EQ(std::string(e.what()).find("vm1"), std::string::npos) << e.what();
  EXPECT_NE(std::string(e.what()).find("a VM of another project"), std::string::npos) << e.what();
}
}  // namespace
}  // namespace vbs::test
