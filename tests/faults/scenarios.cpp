#include "tests/faults/scenarios.hpp"

#include <gtest/gtest.h>

namespace vbs::test {
namespace {
void nothing(TestCore&, Scene&) {}
void with_volume(TestCore& core, Scene& s) { s.volume = core.volume(); }
void with_snapshot(TestCore& core, Scene& s) {
  with_volume(core, s);
  s.snapshot = core.snapshot(s.volume);
}
Admitted create(TestCore& core, const std::string& snapshot, const std::string& volume) {
  NewVolume w;
  w.snapshot_id = snapshot;
  w.volume_id = volume;
  if (snapshot.empty() && volume.empty()) w.size_bytes = 8 * kMiB;
  return create_volume(*core, core.alice(), w);
}
void with_clone(TestCore& core, Scene& s) {
  with_snapshot(core, s);
  s.clone = create(core, s.snapshot, "").object_id;
  core.settle();
}
void attached(TestCore& core, Scene& s) {
  with_volume(core, s);
  core.attach(s.volume);
}
void read_twice(TestCore& core, Scene& s) {
  with_volume(core, s);
  core.attach(s.volume, Mode::ro, "vm1");
  core.attach(s.volume, Mode::ro, "vm2");
}

Admitted flatten(TestCore& core, const Scene& s) { return flatten_volume(*core, core.alice(), s.volume); }
Admitted attach(TestCore& core, const Scene& s, const std::string& vm, Mode mode) {
  return attach_volume(*core, core.root(), s.volume, {"node1", vm, "", mode});
}
Admitted detach(TestCore& core, const Scene& s) {
  DetachWanted first;
  first.host = "node1";
  first.vm = "vm1";
  return detach_volume(*core, core.root(), s.volume, first).front();
}
}  // namespace

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all{
      {"create", nothing, [](TestCore& c, const Scene&) { return create(c, "", ""); }},
      {"create_from_snapshot", with_snapshot, [](TestCore& c, const Scene& s) { return create(c, s.snapshot, ""); }},
      {"clone", with_volume, [](TestCore& c, const Scene& s) { return create(c, "", s.volume); }},
      {"snapshot", with_volume,
       [](TestCore& c, const Scene& s) {
         NewSnapshot w;
         w.volume_id = s.volume;
         return create_snapshot(*c, c.alice(), w);
       }},
      {"extend", with_volume,
       [](TestCore& c, const Scene& s) { return extend_volume(*c, c.alice(), s.volume, 32 * kMiB); }},
      {"extend_attached", attached,
       [](TestCore& c, const Scene& s) { return extend_volume(*c, c.alice(), s.volume, 32 * kMiB); }},
      {"flatten", with_snapshot, flatten, true},
      {"flatten_attached",
       [](TestCore& c, Scene& s) {
         with_snapshot(c, s);
         c.attach(s.volume);
       },
       flatten, true},
      {"attach", with_volume, [](TestCore& c, const Scene& s) { return attach(c, s, "vm1", Mode::rw); }},
      {"attach_second_reader",
       [](TestCore& c, Scene& s) {
         with_volume(c, s);
         c.attach(s.volume, Mode::ro, "vm1");
       },
       [](TestCore& c, const Scene& s) { return attach(c, s, "vm2", Mode::ro); }},
      {"detach", attached, detach},
      {"detach_one_of_two_readers", read_twice, detach},
      {"delete_volume", with_volume,
       [](TestCore& c, const Scene& s) { return delete_volume(*c, c.alice(), s.volume); }},
      {"delete_volume_under_clone", with_clone,
       [](TestCore& c, const Scene& s) { return delete_volume(*c, c.alice(), s.volume); }},
      {"delete_clone", with_clone, [](TestCore& c, const Scene& s) { return delete_volume(*c, c.alice(), s.clone); }},
      {"delete_snapshot", with_snapshot,
       [](TestCore& c, const Scene& s) { return delete_snapshot(*c, c.alice(), s.snapshot); }},
      {"delete_snapshot_under_clone", with_clone,
       [](TestCore& c, const Scene& s) { return delete_snapshot(*c, c.alice(), s.snapshot); }},
  };
  return all;
}

}  // namespace vbs::test
