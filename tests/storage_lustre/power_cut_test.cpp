// SPDX-License-Identifier: MIT
//
// Each call of the plugin, on a disk that loses its power before each change that the call makes, and right after it.
// What was published must be there, whole; the call, repeated as the engine does after a restart, must end as if there
// had been no cut; or, undone, leave nothing. Each sync in the plugin is needed by one of these cases: the script
// each_sync beside this file takes them out one by one.
#include <filesystem>

#include "tests/storage_table/backend.hpp"
#include "power_cut_files.hpp"

extern "C" const vbs_plugin* vbs_plugin_entry(const vbs_host*, const vbs_versions*);

namespace vbs::test {
vbs_plugin_entry_fn plugin_entry() { return &vbs_plugin_entry; }

namespace {
namespace fs = std::filesystem;
constexpr uint64_t kSize = MiB, kWritten = 64u << 10;
const std::string kVolume = uuid(1), kSnapshot = uuid(2), kNew = uuid(3);

// A back-end as it stands before a scenario and goes through it. `contents`: what the core has published, by its bytes.
struct Stage {
  Stage(const std::string& root, const Disk& disk, PowerCut& cut) : b(root, disk.method), cut(cut) {
    use_disk(cut);
    if (cut.rule() == PowerCut::Rule::lustre) stand_in_for_lfs();
  }
  // lfs as recorded; a real Lustre does not run here.
  void stand_in_for_lfs() {
    const auto shows = [&](const std::string& command, const std::string& script) {
      b.host.commands[command] = {"sh", "-c", script, "lfs", "{path}"};
    };
    const std::string recorded = std::string(std::getenv("VBS_SOURCE_DIR")) + "/tests/storage_lustre/recorded/";
    shows("lfs_setstripe", R"(: > "$1")");
    shows("lfs_getstripe", "cat '" + recorded + "getstripe-plain.txt'");
    shows("lfs_df", "cat '" + recorded + "df.txt'");
  }
  void volume(const std::string& id, char byte) {
    b.new_volume(id, kSize);
    b.write(id, byte, 0, kWritten);
    contents[id] = {kSize, byte};
  }
  std::vector<plugin::SnapshotArgs> group() const { return {args}; }

  struct Content {
    uint64_t size = 0;
    char byte = 0;
  };
  Backend b;
  PowerCut& cut;
  std::map<std::string, Content> contents;
  plugin::SnapshotArgs args;                                 // of the snapshot that a scenario takes
  std::pair<std::string, std::vector<std::string>> dropped;  // refs and layers of what it removes
};

// One call of the engine: what it asks of the plugin, and what it commits once the plugin has done it.
struct Step {
  std::function<Backend::Made(Stage&, uint64_t epoch)> call;
  std::function<void(Stage&)> commit;
  bool moves = false;  // the volume: what it stood on may go
};
struct Scenario {
  std::string name;
  std::function<void(Stage&)> prepare;
  std::vector<Step> steps;
  std::function<Backend::Made(Stage&)> undo;  // of what was not committed; empty: it is only ever repeated
  bool by_overlay = false;                    // elsewhere there is nothing to do
};
void PrintTo(const Scenario& s, std::ostream* out) { *out << s.name; }

void a_volume(Stage& s) { s.volume(kVolume, 'a'); }
void a_snapshot(Stage& s) {
  a_volume(s);
  s.b.snapshot(kSnapshot, kVolume);
  s.contents[kSnapshot] = s.contents[kVolume];
  s.b.write(kVolume, 'b', 0, kWritten);
  s.contents[kVolume].byte = 'b';
}
void a_snapshot_to_take(Stage& s) {
  a_volume(s);
  s.args = s.b.snapshot_args(kSnapshot, kVolume);
}

Step creating(uint64_t size, uint32_t kind, const std::string& source) {
  return {[=](Stage& s, uint64_t epoch) { return s.b.create_from(kNew, size, kind, source, false, epoch); },
          [=](Stage& s) {
            s.contents[kNew] = {size, kind ? s.contents[source].byte : '\0'};
          }};
}
Backend::Made forget_new(Stage& s) { return s.b.remove_raw(VBS_KIND_VOLUME, kNew, "", {}); }

// The core drops the object and its layers in the transaction before the call, so the call is the same each time.
Scenario removing(const std::string& name, uint32_t kind, const std::string& id) {
  return {name,
          [=](Stage& s) {
            a_snapshot(s);
            s.contents.erase(id);
            s.dropped = s.b.drop(id);
          },
          {{[=](Stage& s, uint64_t) { return s.b.remove_raw(kind, id, s.dropped.first, s.dropped.second); },
            [](Stage&) {}}},
          nullptr};
}

// As the core: the commit drops what nobody needs any more, and a step of its own removes it.
Step moving(const std::function<Backend::Made(Stage&, uint64_t)>& call) {
  return {call, [](Stage&) {}, true};
}
const Step kDiscard{[](Stage& s, uint64_t) {
                      Backend::Made last;
                      for (const auto& layer : s.dropped.second) {
                        last = s.b.discard(layer);
                        if (last->status != VBS_OK) break;
                      }
                      return last ? std::move(last) : s.b.capacity();
                    },
                    [](Stage&) {}};
Backend::Made forget_flatten(Stage& s) { return s.b.remove_raw(VBS_KIND_VOLUME, kNew, "", {}); }
void a_hidden_layer(Stage& s) {
  a_snapshot(s);
  s.contents.erase(kSnapshot);
  s.b.remove(VBS_KIND_SNAPSHOT, kSnapshot);
}
// What QEMU's block job leaves, by what it does: it reads all with "copy on read", which writes zeros down as such,
// where a safe rebase leaves them out, and then takes the backing file out of the header.
void streamed(Stage& s) {
  a_hidden_layer(s);
  const auto& top = s.b.objects.at(kVolume).layer;
  if (s.b.layers.at(top).parent.empty()) return;
  const auto path = s.b.root + "/images/" + top;
  run({"qemu-io", "-C", "-f", "qcow2", "-c", "read -q 0 " + std::to_string(kSize), path});
  run({"qemu-img", "rebase", "-q", "-u", "-f", "qcow2", "-b", "", path});
}
Scenario flattening(const std::string& name, const std::function<void(Stage&)>& prepare, bool in_use) {
  return {name,
          prepare,
          {moving([in_use](Stage& s, uint64_t epoch) { return s.b.flatten(kNew, kVolume, in_use, epoch); }), kDiscard},
          in_use ? nullptr : &forget_flatten,
          true};
}

const std::vector<Scenario> kScenarios{
    {"CreateEmpty", a_volume, {creating(kSize, 0, "")}, forget_new},
    {"CreateFromSnapshot", a_snapshot, {creating(kSize, VBS_KIND_SNAPSHOT, kSnapshot)}, forget_new},
    {"CreateLargerFromSnapshot", a_snapshot, {creating(2 * kSize, VBS_KIND_SNAPSHOT, kSnapshot)}, forget_new},
    {"Clone", a_volume, {creating(kSize, VBS_KIND_VOLUME, kVolume)}, forget_new},
    {"CloneOfAVolumeOnASnapshot", a_snapshot, {creating(2 * kSize, VBS_KIND_VOLUME, kVolume)}, forget_new},
    {"Snapshot",
     a_snapshot_to_take,
     {{[](Stage& s, uint64_t epoch) {
         auto prepared = s.b.prepare(s.group(), epoch);
         return prepared->status == VBS_OK ? s.b.take(s.group(), epoch) : std::move(prepared);
       },
       [](Stage& s) { s.contents[kSnapshot] = s.contents[kVolume]; }},
      {[](Stage& s, uint64_t epoch) { return s.b.finish(s.group(), true, epoch); }, [](Stage&) {}}},
     [](Stage& s) { return s.b.finish(s.group(), false, 2); }},
    {"Extend",
     a_volume,
     {{[](Stage& s, uint64_t epoch) { return s.b.extend(kVolume, 2 * kSize, false, epoch); },
       [](Stage& s) { s.contents[kVolume].size = 2 * kSize; }}},
     nullptr},
    {"ExtendOnASnapshot",
     a_snapshot,
     {{[](Stage& s, uint64_t epoch) { return s.b.extend(kVolume, 2 * kSize, false, epoch); },
       [](Stage& s) { s.contents[kVolume].size = 2 * kSize; }}},
     nullptr},
    flattening("Flatten", a_snapshot, false),
    flattening("FlattenOnAHiddenLayer", a_hidden_layer, false),
    flattening("FlattenInUse", streamed, true),
    removing("DeleteVolume", VBS_KIND_VOLUME, kVolume),
    removing("DeleteSnapshot", VBS_KIND_SNAPSHOT, kSnapshot),
};

struct Place {
  Disk disk;
  PowerCut::Rule rule;
  std::string name() const { return disk.name + (rule == PowerCut::Rule::lustre ? "_lustre" : "_posix"); }
};
void PrintTo(const Place& p, std::ostream* out) { *out << p.name(); }

std::vector<Place> places() {
  std::vector<Place> out;
  for (const auto& disk : disks()) {
    out.push_back({disk, PowerCut::Rule::posix});
    if (disk.method != "reflink") out.push_back({disk, PowerCut::Rule::lustre});  // Lustre cannot share extents
  }
  return out;
}

void opens(Stage& s) {
  const auto& opened = s.b.open();
  ASSERT_EQ(opened.status, VBS_OK) << opened.message;
}

void agrees(Stage& s) {
  const auto seen = s.b.list();
  ASSERT_EQ(seen->status, VBS_OK) << seen->message;
  for (const auto& l : seen->leftovers) ADD_FAILURE() << "left over: " << l.name;
  EXPECT_EQ(seen->objects.size(), s.contents.size());
  for (const auto& [id, expected] : s.contents) {
    const auto& known = s.b.objects.at(id);
    const auto now = s.b.inspect(known.kind, id, known.refs);
    ASSERT_EQ(now->status, VBS_OK) << id << ": " << now->message;
    ASSERT_EQ(now->objects.at(0).size_bytes, expected.size) << id;
    const auto data = s.b.read(known.kind, id, 0, expected.size);
    ASSERT_EQ(data.size(), expected.size) << id;
    EXPECT_EQ(data.substr(0, kWritten), std::string(kWritten, expected.byte)) << id;
    EXPECT_EQ(data.find_first_not_of('\0', kWritten), std::string::npos) << id << ": bytes that nobody wrote";
  }
}

// After the cut: the call is repeated, or undone. Or it was only the process that died: what it had not synced is still
// there when the call is repeated, and the power goes after that.
enum class Then { repeat, undo, repeat_and_cut };
const char* text(Then then) {
  return then == Then::repeat ? "" : then == Then::undo ? ", then undone" : " by a kill, repeated, and then the power";
}

// One back-end, set up once; each cut begins with the disk and the books as they were then.
class CutScenario {
 public:
  CutScenario(const Place& place, const Scenario& scenario)
      : scenario_(scenario), root_(new_directory(place.disk)), cut_(root_, place.rule), s_(root_, place.disk, cut_) {
    opens(s_);
    scenario_.prepare(s_);
    s_.b.close();
    cut_.settle();
    disk_ = cut_.durable();
    objects_ = s_.b.objects;
    layers_ = s_.b.layers;
    contents_ = s_.contents;
  }
  ~CutScenario() {
    s_.b.close();
    remove_tree(root_);
  }
  // Answers false when the cut would have come after the last change.
  bool cut_before(size_t change, Then then) {
    s_.b.close();
    cut_.restore(disk_);
    s_.b.objects = objects_;
    s_.b.layers = layers_;
    s_.contents = contents_;
    opens(s_);
    cut_.settle();
    cut_.arm(change);
    size_t done = 0;
    for (; done < scenario_.steps.size(); ++done) {
      const auto made = scenario_.steps[done].call(s_, 1);
      if (cut_.is_off()) break;  // the answer reaches nobody
      publish(scenario_.steps[done], *made);
      scenario_.steps[done].commit(s_);
    }
    const bool was_cut = cut_.is_off();
    s_.b.close();
    then == Then::repeat_and_cut ? cut_.revive() : cut_.restore();
    opens(s_);
    if (then == Then::undo && done == 0) {
      const auto undone = scenario_.undo(s_);
      EXPECT_EQ(undone->status, VBS_OK) << undone->message;
    } else {
      for (; done < scenario_.steps.size(); ++done) {
        const auto made = scenario_.steps[done].call(s_, 2);
        publish(scenario_.steps[done], *made);
        scenario_.steps[done].commit(s_);
      }
    }
    if (then == Then::repeat_and_cut) {
      s_.b.close();
      cut_.restore();
      opens(s_);
    }
    agrees(s_);
    return was_cut;
  }

 private:
  void publish(const Step& step, const FakeCall& made) {
    if (!step.moves) return s_.b.publish(made);
    s_.dropped.second = s_.b.publish_move(made, kVolume);
  }
  const Scenario& scenario_;
  const std::string root_;
  PowerCut cut_;
  Stage s_;
  PowerCut::Tree disk_;
  decltype(Backend::objects) objects_;
  decltype(Backend::layers) layers_;
  decltype(Stage::contents) contents_;
};

class PowerCuts : public testing::TestWithParam<std::tuple<Place, Scenario>> {};

TEST_P(PowerCuts, LoseNothingThatWasPublishedAndLeaveNothing) {
  try {
    const auto& [place, scenario] = GetParam();
    CutScenario play(place, scenario);
    size_t cuts = 0;
    for (const auto then : {Then::repeat, Then::undo, Then::repeat_and_cut}) {
      if (then == Then::undo && !scenario.undo) continue;
      for (size_t change = 0;; ++change) {
        SCOPED_TRACE("cut before change " + std::to_string(change) + text(then));
        const bool was_cut = play.cut_before(change, then);
        if (HasFailure() || !was_cut) break;
        ++cuts;
      }
    }
    if (!scenario.by_overlay || place.disk.method == "overlay") {
      EXPECT_GE(cuts, 2u);
    }
    RecordProperty("cuts", static_cast<int>(cuts));
  } catch (const std::runtime_error& e) {
    if (std::getenv("CI")) FAIL() << e.what();
    GTEST_SKIP() << e.what();
  }
}

INSTANTIATE_TEST_SUITE_P(Every, PowerCuts, testing::Combine(testing::ValuesIn(places()), testing::ValuesIn(kScenarios)),
                         [](const auto& info) {
                           return std::get<0>(info.param).name() + "_" + std::get<1>(info.param).name;
                         });

// The marker and the directory of a new root.
class PowerCutsAtFirstOpen : public testing::TestWithParam<Place> {};
TEST_P(PowerCutsAtFirstOpen, LeaveARootThatOpensAgainWithItsVolumes) {
  const auto& place = GetParam();
  for (size_t change = 0, off = true; off; ++change) {
    SCOPED_TRACE("cut before change " + std::to_string(change));
    std::string root;
    try {
      root = new_directory(place.disk);
    } catch (const std::runtime_error& e) {
      if (std::getenv("CI")) FAIL() << e.what();
      GTEST_SKIP() << e.what();
    }
    PowerCut cut(root, place.rule);
    Stage s(root, place.disk, cut);
    cut.settle();
    cut.arm(change);
    const bool opened = s.b.open().status == VBS_OK;
    if (opened) {
      const auto made = s.b.create(kNew, kSize);
      if (!cut.is_off()) {
        s.b.publish(*made);
        s.contents[kNew] = {kSize, '\0'};
      }
    }
    off = cut.is_off();
    s.b.close();
    cut.restore();
    opens(s);
    if (!HasFailure() && !s.contents.empty()) agrees(s);
    s.b.close();
    remove_tree(root);
    if (HasFailure()) return;
  }
}
INSTANTIATE_TEST_SUITE_P(Every, PowerCutsAtFirstOpen, testing::ValuesIn(places()),
                         [](const auto& info) { return info.param.name(); });

}  // namespace
}  // namespace vbs::test
