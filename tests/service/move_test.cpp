// `vbs attachments move`: a volume that goes with its VM to another host.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/service/reconcile.hpp"
#include "tests/support/test_core.hpp"

namespace vbs::test {
namespace {
using testing::HasSubstr;

constexpr const char* kVm1 = "11111111-1111-4111-8111-111111111111";

class Move : public testing::Test {
 protected:
  void migrate(const std::string& host) {
    world_.change([&](FakeDisk& d) { d.vms.at(kVm1).host = host; });
  }
  Admitted begin() { return move_attachment(*core_, core_.root(), volume_, {"node1", "node2", ""}); }
  store::AttachmentRow attachment() {
    return core_->database.read([&](store::Session& db) { return store::attachments_of(db, volume_).at(0); });
  }
  std::string host_of(const store::AttachmentRow& a) { return core_->registry.host(a.host_id).row.name; }
  std::vector<std::string> exported_to() {
    std::vector<std::string> out;
    for (const auto& [id, e] : world_.disk().exports)
      if (e.volume == volume_) out.push_back(e.host);
    std::sort(out.begin(), out.end());
    return out;
  }

  FakeWorld world_;
  TemporaryDirectory dir_;
  TestCore core_{world_, test_config(dir_.path(), true)};
  const std::string volume_ = core_.volume();
  const std::string attachment_ = core_.attach(volume_);
};

TEST_F(Move, WaitsWithBothExportsUntilTheVmHasGoneOverAndThenTakesTheFirstAway) {
  const auto move = begin();
  ASSERT_TRUE(core_.until_state(move.operation_id, state::waiting));
  EXPECT_THAT(core_.operation(move.operation_id)->waits_for, HasSubstr("migrate it now"));
  EXPECT_EQ(exported_to(), (std::vector<std::string>{"node1", "node2"}));
  EXPECT_EQ(attachment().state, "moving");
  EXPECT_EQ(host_of(attachment()), "node1");
  migrate("node2");
  EXPECT_EQ(core_.ended(move).state, state::done);
  EXPECT_EQ(host_of(attachment()), "node2");
  EXPECT_EQ(attachment().id, attachment_);
  EXPECT_EQ(exported_to(), std::vector<std::string>{"node2"});
  EXPECT_EQ(core_.differences(world_), std::vector<std::string>{});
  EXPECT_EQ(world_.disk().plugged.size(), 1u) << "the VM lost its disk";
}

TEST_F(Move, OwnersOfTheVmMayDetachOnTheSecondHost) {
  const auto move = begin();
  migrate("node2");
  ASSERT_EQ(core_.ended(move).state, state::done);
  EXPECT_EQ(core_.ended(detach_volume(*core_, core_.alice(), volume_, {}).front()).state, state::done);
  EXPECT_EQ(core_.ended(attach_volume(*core_, core_.alice(), volume_, {"node2", "vm1", "", Mode::rw})).state,
            state::done);
}

TEST_F(Move, CancelledBeforeTheVmHasGoneItLeavesAllAsItWas) {
  const auto move = begin();
  ASSERT_TRUE(core_.until_state(move.operation_id, state::waiting));
  core_->engine.cancel(move.operation_id);
  EXPECT_EQ(core_.ended(move).error_code, "cancelled");
  EXPECT_EQ(attachment().state, "attached");
  EXPECT_EQ(host_of(attachment()), "node1");
  EXPECT_EQ(exported_to(), std::vector<std::string>{"node1"});
  EXPECT_EQ(core_.differences(world_), std::vector<std::string>{});
}

TEST_F(Move, CancelledTooLateItKeepsTheExportThatTheVmUsesUntilTheVmIsBack) {
  world_.hold("inspect_vm");
  const auto move = begin();
  world_.wait_until_held("inspect_vm");
  core_->engine.cancel(move.operation_id);
  migrate("node2");
  world_.release("inspect_vm");
  ASSERT_TRUE(core_.until([&] {
    const auto o = core_.operation(move.operation_id);
    return o->undoing != 0 && o->waits_for.find("migrate it to where it was") != std::string::npos;
  }) || core_.operation(move.operation_id)->state == state::done);
  if (core_.operation(move.operation_id)->state == state::done) return;  // it saw the VM before it heard
  EXPECT_EQ(exported_to(), (std::vector<std::string>{"node1", "node2"}));
  migrate("node1");
  EXPECT_EQ(core_.ended(move).state, state::failed);
  EXPECT_EQ(core_.differences(world_), std::vector<std::string>{});
}

TEST_F(Move, AHostThatDoesNotAnswerEndsNoWait) {
  const auto move = begin();
  ASSERT_TRUE(core_.until_state(move.operation_id, state::waiting));
  world_.set_down(true);
  std::this_thread::sleep_for(quick().patience * 2);
  EXPECT_EQ(core_.operation(move.operation_id)->undoing, 0);
  world_.set_down(false);
  migrate("node2");
  EXPECT_EQ(core_.ended(move).state, state::done);
}

TEST_F(Move, VolumesOfOneVmMoveTogether) {
  const auto other = core_.volume();
  core_.attach(other);
  const auto one = begin();
  const auto two = move_attachment(*core_, core_.root(), other, {"node1", "node2", "vm1"});
  EXPECT_TRUE(core_.until_state(one.operation_id, state::waiting));
  EXPECT_TRUE(core_.until_state(two.operation_id, state::waiting));
  migrate("node2");
  EXPECT_EQ(core_.ended(one).state, state::done);
  EXPECT_EQ(core_.ended(two).state, state::done);
}

TEST_F(Move, NeitherDetachNorASecondMoveGetsInBetween) {
  const auto move = begin();
  EXPECT_THAT(error_of([&] { begin(); }).what(), HasSubstr("just moving"));
  EXPECT_THAT(error_of([&] { detach_volume(*core_, core_.alice(), volume_, {}); }).what(), HasSubstr("just moving"));
  migrate("node2");
  EXPECT_EQ(core_.ended(move).state, state::done);
}

TEST_F(Move, IsForOperatorsAndForWhatIsAttachedThere) {
  const auto code = [&](const Caller& who, const MoveWanted& wanted) {
    return error_of([&] { move_attachment(*core_, who, volume_, wanted); }).code();
  };
  EXPECT_EQ(code(core_.alice(), {"node1", "node2", ""}), Code::forbidden);
  EXPECT_EQ(code(core_.root(), {"node2", "node1", ""}), Code::conflict);
  EXPECT_EQ(code(core_.root(), {"node1", "node2", "vm2"}), Code::conflict);
  EXPECT_EQ(code(core_.root(), {"node1", "node1", ""}), Code::invalid);
  EXPECT_EQ(code(core_.root(), {"node1", "elsewhere", ""}), Code::not_found);
}

TEST_F(Move, AVmThatWasMigratedWithoutItIsReportedKeptAndCanBeFollowed) {
  migrate("node2");
  const auto report = reconcile(*core_, core_.root(), true);
  std::vector<std::string> found;
  for (const auto& f : report.findings) {
    found.push_back(f.what);
    EXPECT_FALSE(f.repaired) << f.what;
  }
  EXPECT_THAT(found, testing::UnorderedElementsAre("vm-gone", "vm-migrated"));
  EXPECT_EQ(world_.disk().plugged.size(), 1u) << "a repair took the disk from a running VM";
  EXPECT_EQ(core_.ended(begin()).state, state::done);
  const auto after = reconcile(*core_, core_.root(), false);
  EXPECT_TRUE(after.findings.empty());
}
}  // namespace
}  // namespace vbs::test
