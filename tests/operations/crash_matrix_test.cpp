// Every kind of operation, cut off at every crash point and before and after every plugin call, then started again on
// what was left. The end must be the one of the run that was not cut off, and store and fakes must agree.
//
// (The same with a real process that is killed: the crash tests of vbsd.)
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/power_cut.hpp"
#include "tests/support/test_core.hpp"
#include "vbs/plugin/storage.h"

namespace vbs::test {
namespace {
using Names = std::vector<std::string>;

struct Scene {
  std::string volume, snapshot, clone;
};

struct Scenario {
  std::string name;
  std::function<void(TestCore&, Scene&)> prepare;
  std::function<Admitted(TestCore&, const Scene&)> run;
  std::vector<FakeFault> faults;
  size_t at_least = 5;    // images
  bool migrated = false;  // VM 1 is on the second host by then
};
void PrintTo(const Scenario& s, std::ostream* o) { *o << s.name; }

void with_volume(TestCore& core, Scene& s) { s.volume = core.volume(); }
void with_snapshot(TestCore& core, Scene& s) {
  with_volume(core, s);
  s.snapshot = core.snapshot(s.volume);
}
void with_clone(TestCore& core, Scene& s) {
  with_snapshot(core, s);
  NewVolume w;
  w.snapshot_id = s.snapshot;
  const auto a = create_volume(*core, core.alice(), w);
  EXPECT_EQ(core.ended(a).state, state::done);
  s.clone = a.object_id;
}
void attached(TestCore& core, Scene& s) {
  with_volume(core, s);
  core.attach(s.volume);
}

void on_layers(TestCore& core, Scene& s) {
  with_snapshot(core, s);
  core.snapshot(s.volume);
}
// Of which one is hidden, and needed by nobody but the volume.
void on_a_hidden_layer(TestCore& core, Scene& s) {
  on_layers(core, s);
  EXPECT_EQ(core.ended(delete_snapshot(*core, core.alice(), s.snapshot)).state, state::done);
}
void attached_on_layers(TestCore& core, Scene& s) {
  on_a_hidden_layer(core, s);
  core.attach(s.volume);
}

void attached_to_readers(TestCore& core, Scene& s) {
  with_volume(core, s);
  core.attach(s.volume, Mode::ro, "vm1");
  core.attach(s.volume, Mode::ro, "vm2");
}

Admitted create(TestCore& core, const std::string& snapshot, const std::string& volume) {
  NewVolume w;
  w.snapshot_id = snapshot;
  w.volume_id = volume;
  if (snapshot.empty() && volume.empty()) w.size_bytes = 8 * kMiB;
  return create_volume(*core, core.alice(), w);
}
Admitted create_empty(TestCore& core, const Scene&) { return create(core, "", ""); }
Admitted create_from_snapshot(TestCore& core, const Scene& s) { return create(core, s.snapshot, ""); }
Admitted create_clone(TestCore& core, const Scene& s) { return create(core, "", s.volume); }
Admitted take_snapshot(TestCore& core, const Scene& s) {
  NewSnapshot w;
  w.volume_id = s.volume;
  return create_snapshot(*core, core.alice(), w);
}
Admitted revert(TestCore& core, const Scene& s) { return revert_volume(*core, core.alice(), s.volume, s.snapshot); }
Admitted flatten(TestCore& core, const Scene& s) { return flatten_volume(*core, core.alice(), s.volume); }
Admitted extend(TestCore& core, const Scene& s) { return extend_volume(*core, core.alice(), s.volume, 32 * kMiB); }
Admitted attach(TestCore& core, const Scene& s) {
  return attach_volume(*core, core.alice(), s.volume, {"node1", "vm1", "", Mode::rw});
}
Admitted detach(TestCore& core, const Scene& s) { return detach_volume(*core, core.alice(), s.volume, {}).front(); }
Admitted move(TestCore& core, const Scene& s) {
  return move_attachment(*core, core.root(), s.volume, {"node1", "node2", ""});
}
Admitted remove_volume(TestCore& core, const Scene& s) { return delete_volume(*core, core.alice(), s.volume); }
Admitted remove_clone(TestCore& core, const Scene& s) { return delete_volume(*core, core.alice(), s.clone); }
Admitted remove_snapshot(TestCore& core, const Scene& s) { return delete_snapshot(*core, core.alice(), s.snapshot); }

FakeFault always(const std::string& call, Code code, bool done_first = false) {
  return {.call = call, .code = code, .times = 1000000, .done_first = done_first};
}
FakeFault lost_answer(const std::string& call) {
  return {.call = call, .code = Code::unknown_outcome, .done_first = true};
}
FakeFault briefly_away(const std::string& call) { return {.call = call, .code = Code::unavailable, .times = 2}; }

const std::vector<Scenario> kScenarios{
    {"CreateEmpty", [](TestCore&, Scene&) {}, create_empty, {}},
    {"CreateFromSnapshot", with_snapshot, create_from_snapshot, {}},
    {"Clone", with_volume, create_clone, {}},
    {"Snapshot", with_volume, take_snapshot, {}, 10},
    {"SnapshotAttached", attached, take_snapshot, {}, 14},
    {"SnapshotAttachedToReaders", attached_to_readers, take_snapshot, {}, 10},
    {"Revert", with_snapshot, revert, {}, 9},
    {"RevertUnderClone", with_clone, revert, {}, 9},
    {"RevertThatFailsHalfway", with_snapshot, revert, {always("revert", Code::no_space, true)}},
    {"RevertWithLostAnswers", with_snapshot, revert, {lost_answer("revert"), lost_answer("discard")}},
    {"Extend", with_volume, extend, {}},
    {"ExtendAttached", attached, extend, {}, 8},
    {"Attach", with_volume, attach, {}, 8},
    {"Detach", attached, detach, {}, 8},
    {"Move", attached, move, {}, 14, true},
    {"DeleteVolume", with_volume, remove_volume, {}},
    {"DeleteVolumeUnderSnapshotAndClone", with_clone, remove_volume, {}},
    {"DeleteClone", with_clone, remove_clone, {}},
    {"DeleteSnapshot", with_snapshot, remove_snapshot, {}},
    {"DeleteSnapshotUnderClone", with_clone, remove_snapshot, {}},

    {"CreateThatFails", [](TestCore&, Scene&) {}, create_empty, {always("create", Code::no_space)}},
    {"CreateThatFailsHalfway", [](TestCore&, Scene&) {}, create_empty, {always("create", Code::no_space, true)}},
    {"CloneThatFailsHalfway", with_volume, create_clone, {always("create", Code::internal, true)}},
    {"SnapshotThatFailsHalfway", with_volume, take_snapshot, {always("snapshot_take", Code::internal, true)}},
    {"SnapshotAttachedWhoseSwitchIsRefused", attached, take_snapshot, {always("switch_image", Code::conflict)}},
    {"SnapshotAttachedWithoutAgent", attached, take_snapshot, {always("quiesce", Code::not_supported)}},
    {"ExtendThatFails", with_volume, extend, {always("extend", Code::no_space)}},
    {"AttachWhoseExportFails", with_volume, attach, {always("export_object", Code::internal, true)}},
    {"AttachWhosePlugFails", with_volume, attach, {always("attach", Code::conflict)}},
    {"AttachWhosePlugFailsHalfway", with_volume, attach, {always("attach", Code::internal, true)}},
    {"DetachThatFails", attached, detach, {always("detach", Code::conflict)}},

    {"CreateWithLostAnswer", [](TestCore&, Scene&) {}, create_empty, {lost_answer("create")}},
    {"CloneWithLostAnswer", with_volume, create_clone, {lost_answer("create")}},
    {"SnapshotWithLostAnswers",
     with_volume,
     take_snapshot,
     {lost_answer("snapshot_take"), lost_answer("snapshot_finish")}},
    {"SnapshotAttachedWithLostAnswers",
     attached,
     take_snapshot,
     {lost_answer("snapshot_prepare"), lost_answer("quiesce"), lost_answer("switch_image"), lost_answer("thaw"),
      lost_answer("snapshot_take"), lost_answer("snapshot_finish")}},
    {"SnapshotAttachedWithTrouble",
     attached,
     take_snapshot,
     {{.call = "switch_image", .code = Code::internal, .done_first = true},
      briefly_away("thaw"),
      briefly_away("snapshot_take")}},
    {"ExtendWithLostAnswer", with_volume, extend, {lost_answer("extend")}},
    {"AttachWithLostAnswers", with_volume, attach, {lost_answer("export_object"), lost_answer("attach")}},
    {"MoveWithLostAnswers", attached, move, {lost_answer("export_object"), lost_answer("unexport")}, 14, true},
    {"DetachWithLostAnswers", attached, detach, {lost_answer("detach"), lost_answer("unexport")}},
    {"DeleteWithLostAnswer", with_volume, remove_volume, {lost_answer("remove")}},
    {"UndoWithTrouble",
     with_volume,
     attach,
     {always("attach", Code::conflict), briefly_away("detach"), lost_answer("unexport")}},
};

// Without layers there is nothing to flatten.
const std::vector<Scenario> kOnLayers{
    {"Flatten", on_layers, flatten, {}, 9},
    {"FlattenOnAHiddenLayer", on_a_hidden_layer, flatten, {}, 9},
    {"FlattenAttached", attached_on_layers, flatten, {}, 14},
    {"FlattenThatFailsHalfway", on_layers, flatten, {always("flatten", Code::no_space, true)}},
    {"FlattenWithLostAnswers", on_a_hidden_layer, flatten, {lost_answer("flatten"), lost_answer("discard")}},
    {"FlattenAttachedWithoutRoom", attached_on_layers, flatten, {always("flatten", Code::no_space)}},
    {"FlattenAttachedWhoseStreamFails", attached_on_layers, flatten, {always("stream", Code::internal)}},
    {"FlattenAttachedWhoseStreamFailsAndIsHardToStop",
     attached_on_layers,
     flatten,
     {always("stream", Code::busy), briefly_away("stream_stop")}},
    {"FlattenAttachedWithLostAnswers",
     attached_on_layers,
     flatten,
     {lost_answer("flatten"), lost_answer("stream"), lost_answer("discard")}},
};

void migrate(FakeWorld& world) {
  world.change([](FakeDisk& d) { d.vms.begin()->second.host = "node2"; });
}

class CrashMatrix : public testing::TestWithParam<std::tuple<Scenario, bool>> {
 protected:
  void SetUp() override {
#ifndef VBS_CRASH_POINTS
    const auto* what = "this build has no crash points: configure with -DVBS_CRASH_POINTS=ON";
    if (std::getenv("CI")) FAIL() << what;
    GTEST_SKIP() << what;
#endif
  }
};

// How it ended, without what names and times make differ.
struct End {
  std::string state, error_code, object;
  bool operator==(const End&) const = default;
};
void PrintTo(const End& e, std::ostream* o) { *o << e.state << " '" << e.error_code << "', object: " << e.object; }

End end_of(TestCore& core, const Admitted& a) {
  const auto o = core.ended(a);
  End end{o.state, o.error_code, "gone"};
  core->database.read([&](store::Session& db) {
    if (const auto v = store::find_volume(db, a.object_id))
      end.object = v->lifecycle + " " + std::to_string(v->size_bytes);
    if (const auto s = store::find_snapshot(db, a.object_id)) end.object = s->lifecycle;
    if (const auto t = store::find_attachment(db, a.object_id)) end.object = t->state + " " + t->mode;
  });
  return end;
}

size_t count_operations(TestCore& core) {
  return core->database.read([](store::Session& db) { return db.number("SELECT count(*) FROM operations"); });
}

TEST_P(CrashMatrix, ACutAnywhereEndsAsIfThereHadBeenNone) {
  const auto& [scenario, layers] = GetParam();
  FakeWorld world;
  if (layers) world.capabilities = VBS_CAP_FAST_CLONE | VBS_CAP_EXTEND_IN_USE;
  TemporaryDirectory dir;
  Scene scene;
  Admitted admitted;
  End expected;
  std::vector<Image> images;
  size_t operations_before = 0;
  {
    TestCore core(world, test_config(dir.path(), scenario.migrated));
    scenario.prepare(core, scene);
    if (scenario.migrated) migrate(world);
    operations_before = count_operations(core);
    for (const auto& f : scenario.faults) world.fail(f);
    PowerCuts cuts(world, dir.path());
    admitted = scenario.run(core, scene);
    expected = end_of(core, admitted);
    images = cuts.stop();
    EXPECT_EQ(core.differences(world), Names{}) << "without any cut";
  }
  EXPECT_GE(images.size(), scenario.at_least);
  bool admitted_already = false;
  for (const auto& image : images) {
    admitted_already = admitted_already || image.point.ends_with(".admit.committed");
    SCOPED_TRACE("cut at " + image.point);
    TestCore core(*image.world, test_config(image.dir->path(), scenario.migrated));
    core.settle();
    EXPECT_EQ(core.differences(*image.world), Names{});
    EXPECT_EQ(core.operation(admitted.operation_id).has_value(), admitted_already);
    if (admitted_already)
      EXPECT_EQ(end_of(core, admitted), expected);
    else
      EXPECT_EQ(count_operations(core), operations_before);
  }
  EXPECT_TRUE(admitted_already);
}

// A restart may be cut off as well.
TEST_P(CrashMatrix, ACutOfTheRestartDoesNoHarmEither) {
  const auto& [scenario, layers] = GetParam();
  FakeWorld world;
  if (layers) world.capabilities = VBS_CAP_FAST_CLONE | VBS_CAP_EXTEND_IN_USE;
  TemporaryDirectory dir;
  Scene scene;
  Admitted admitted;
  End expected;
  std::vector<Image> images;
  {
    TestCore core(world, test_config(dir.path(), scenario.migrated));
    scenario.prepare(core, scene);
    if (scenario.migrated) migrate(world);
    for (const auto& f : scenario.faults) world.fail(f);
    PowerCuts cuts(world, dir.path());
    admitted = scenario.run(core, scene);
    expected = end_of(core, admitted);
    images = cuts.stop();
  }
  // The middle of the first run is far enough from both ends to leave something to do.
  auto& first = images.at(images.size() / 2);
  std::vector<Image> second;
  {
    PowerCuts cuts(*first.world, first.dir->path());
    TestCore core(*first.world, test_config(first.dir->path(), scenario.migrated));
    core.settle();
    second = cuts.stop();
  }
  for (const auto& image : second) {
    SCOPED_TRACE("cut at " + first.point + ", then at " + image.point);
    TestCore core(*image.world, test_config(image.dir->path(), scenario.migrated));
    core.settle();
    EXPECT_EQ(core.differences(*image.world), Names{});
    EXPECT_EQ(end_of(core, admitted), expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Every, CrashMatrix, testing::Combine(testing::ValuesIn(kScenarios), testing::Bool()),
                         [](const auto& info) {
                           return std::get<0>(info.param).name + (std::get<1>(info.param) ? "OnLayers" : "OnReflinks");
                         });
INSTANTIATE_TEST_SUITE_P(OfChains, CrashMatrix, testing::Combine(testing::ValuesIn(kOnLayers), testing::Values(true)),
                         [](const auto& info) { return std::get<0>(info.param).name; });
}  // namespace
}  // namespace vbs::test
